import CLlama
import TokenSampling

/// Scores each block's scales from its features and the overview's (arXiv 2411.14228, "vision-guided sampler").
///
/// Not thread-safe: used from the engine's thread only.
struct LearnedRouter {
  let weights: RouterWeights
  let device: ComputeDevice

  private static let epsilon: Float = 1e-5

  /// Logits `[block, scale]`, finest scale first.
  func logits(of image: EncodedImage, blocks: BlockGrid) throws -> [Float] {
    let map = image.sampled
    var means: [Float] = []
    var maxima: [Float] = []
    for index in 0..<blocks.count {
      let window = blocks.window(ofBlock: index)
      means += map.pooled(window, .mean)
      maxima += map.pooled(window, .max)
    }
    return try device.run(
      build: { builder in
        let means = builder.input(GGML_TYPE_F32, weights.channels, blocks.count)
        let maxima = builder.input(GGML_TYPE_F32, weights.channels, blocks.count)
        let overview = builder.input(GGML_TYPE_F32, weights.channels, image.overview.size.count)
        let logits = graph(means, maxima, overview, in: builder)
        return (means: means, maxima: maxima, overview: overview, logits: builder.output(logits))
      },
      fill: { graph in
        graph.means.fill(means)
        graph.maxima.fill(maxima)
        graph.overview.fill(image.overview.features)
      },
      read: { $0.logits.floats() })
  }

  /// `means` and `maxima` are `[C, blocks]`, `overview` is `[C, n]`; returns `[3, blocks]`.
  private func graph(
    _ means: Tensor, _ maxima: Tensor, _ overview: Tensor, in builder: GraphBuilder
  ) -> Tensor {
    let context = builder.context
    func normed(_ rows: Tensor) -> Tensor {
      weights.norm.map { builder.layerNorm(rows, $0, epsilon: Self.epsilon) } ?? rows
    }
    func linear(_ rows: Tensor, _ linear: Linear) -> Tensor { builder.linear(rows, linear) }
    let headWidth = Int64(weights.width / weights.heads)
    func heads(_ rows: Tensor) -> Tensor {  // [head width, rows, heads]
      let split: Tensor = ggml_reshape_3d(
        context, rows, headWidth, Int64(weights.heads), rows.pointee.ne.1)
      return ggml_cont(context, ggml_permute(context, split, 0, 2, 1, 3))
    }
    let blocks: Tensor = ggml_concat(context, normed(means), normed(maxima), 0)  // [2C, blocks]
    let tokens = normed(overview)
    let query = heads(linear(blocks, weights.query))
    let key = heads(linear(tokens, weights.key))
    let value: Tensor = ggml_cont(
      context, ggml_transpose(context, heads(linear(tokens, weights.value))))  // [n, head width, heads]
    let scores: Tensor = ggml_soft_max_ext(
      context, ggml_mul_mat(context, key, query), nil, 1 / Float(headWidth).squareRoot(), 0)
    let mixed: Tensor = ggml_mul_mat(context, value, scores)  // [head width, blocks, heads]
    let merged: Tensor = ggml_reshape_2d(
      context, ggml_cont(context, ggml_permute(context, mixed, 0, 2, 1, 3)), Int64(weights.width),
      means.pointee.ne.1)
    let attended = linear(merged, weights.output)
    let all: Tensor = ggml_concat(context, blocks, attended, 0)
    return linear(ggml_gelu_erf(context, linear(all, weights.hidden)), weights.logits)
  }
}
