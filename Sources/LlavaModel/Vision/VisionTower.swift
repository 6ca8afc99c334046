import Answering
import CLlama
import TokenSampling

/// Turns tiles into visual tokens, and visual tokens into rows of the language model.
///
/// Not thread-safe: used from the engine's thread only.
final class VisionTower {
  let parameters: VisionParameters
  let weights: VisionWeights
  /// The newline row, `[D]`; empty where the model has none.
  let newline: [Float]
  /// Image counts for `EngineCounters`.
  private(set) var tilesEncoded = 0
  private let device: ComputeDevice
  private let types: ProductTypes
  private let storage: Weights

  /// Tiles computed together: enough rows for the products, little enough for the caches.
  private static let tilesAtOnce = 4

  init(file: GGUFFile, device: ComputeDevice, type: VisionType) throws(ModelError) {
    let loader = WeightLoader(file: file, device: device, matrixType: { type.stored($0, on: device) })
    parameters = try VisionParameters(file)
    weights = try VisionWeights(parameters, file, loader)
    storage = try loader.load()
    newline = weights.newline.map { $0.floats() } ?? []
    self.device = device
    types = ProductTypes(device: device, halves: type.product(on: device))
  }

  /// Features of each tile without the class token: `[tile, patch, channels]`.
  func encode(_ image: TiledImage) throws -> [Float] {
    let rows = PatchRows(parameters)
    let perTile = parameters.patchesPerSide * parameters.patchesPerSide * parameters.channels
    return try [Float](unsafeUninitializedCapacity: image.tileCount * perTile) { features, count in
      for first in stride(from: 0, to: image.tileCount, by: Self.tilesAtOnce) {
        let tiles = first..<min(first + Self.tilesAtOnce, image.tileCount)
        try device.run(
          types: types,
          build: { graph(tiles: tiles.count, in: $0) },
          fill: { graph in graph.input.fill(rows.of(image, tiles: tiles)) },
          read: { graph in
            let start = features.baseAddress.map { $0 + tiles.lowerBound * perTile }
            ggml_backend_tensor_get(graph.output, start, 0, ggml_nbytes(graph.output))
          })
        tilesEncoded += tiles.count
      }
      count = image.tileCount * perTile
    }
  }

  /// The projector's rows for the image's tokens: `[tokens, D]`.
  func project(_ image: CompressedImage) throws -> [Float] {
    let tokens = image.tokenCount
    // A store may be written by others than us.
    guard image.channels == parameters.channels else {
      throw ModelError.device(
        "it got tokens of \(image.channels) values, and projects \(parameters.channels)")
    }
    guard tokens > 0 else { return [] }
    return try device.run(
      types: types,
      build: { builder in
        let input = builder.input(image.type.ggml, parameters.channels, tokens)
        let features = image.type == .f32 ? input : ggml_cast(builder.context, input, GGML_TYPE_F32) ?? input
        let projector = weights.projector
        let activated: Tensor = ggml_gelu_erf(builder.context, builder.linear(features, projector.first))
        let rows = builder.linear(activated, projector.second)
        return (input: input, output: builder.output(rows))
      },
      fill: { $0.input.fill(image.tokens) },
      read: { $0.output.floats() })
  }

  /// The image's rows of a prompt: the projector's, with a newline row at each newline place; `[rows, D]`.
  func rows(of image: CompressedImage) throws -> [Float] {
    let projected = try project(image)
    guard !image.newlines.isEmpty, !newline.isEmpty else { return projected }
    let width = weights.languageWidth
    var rows: [Float] = []
    rows.reserveCapacity(projected.count + image.newlines.count * width)
    var token = 0
    for end in image.newlines {
      rows += projected[token * width..<end * width]
      rows += newline
      token = end
    }
    return rows + projected[(token * width)...]
  }

  /// The tower's graph for `tiles` tiles of n patches: input `[3 · patch², n, tiles]`, output `[C, n, tiles]`.
  private func graph(tiles: Int, in builder: GraphBuilder) -> (input: Tensor, output: Tensor) {
    let context = builder.context
    let width = parameters.width
    let patches = parameters.patchesPerSide * parameters.patchesPerSide
    let patchPixels = 3 * parameters.patchSize * parameters.patchSize

    let input = builder.input(GGML_TYPE_F32, patchPixels, patches, tiles)
    let kernel: Tensor = ggml_reshape_2d(context, weights.patches.weight, Int64(patchPixels), Int64(width))
    // [C, n, tiles]
    var state = builder.linear(input, .init(weight: kernel, bias: weights.patches.bias))
    if let classToken = weights.classToken {
      let tokens: Tensor = ggml_repeat_4d(context, classToken, Int64(width), 1, Int64(tiles), 1)
      state = ggml_concat(context, tokens, state, 1)  // [C, 1 + n, tiles]
    }
    state = ggml_add(context, state, weights.positions)
    if let norm = weights.preNorm { state = builder.layerNorm(state, norm, epsilon: parameters.epsilon) }

    // After no block, one, two…
    var states = [state]
    for layer in weights.blocks {
      state = block(layer, state, in: builder)
      states.append(state)
    }
    var kept = parameters.featureLayers.map { states[$0] }
    if let norm = weights.postNorm, kept.count == 1 {
      kept[0] = builder.layerNorm(kept[0], norm, epsilon: parameters.epsilon)
    }
    var features = kept[0]
    for more in kept.dropFirst() { features = ggml_concat(context, features, more, 0) }
    if weights.classToken != nil {
      let strides = features.pointee.nb
      features = ggml_view_3d(
        context, features, Int64(parameters.channels), Int64(patches), Int64(tiles), strides.1, strides.2,
        strides.1)
    }
    return (input, builder.output(ggml_cont(context, features)))
  }

  /// One pre-norm transformer block; `state` is `[C, rows, tiles]`.
  private func block(_ block: VisionWeights.Block, _ state: Tensor, in builder: GraphBuilder) -> Tensor {
    let context = builder.context
    let normed = builder.layerNorm(state, block.norm1, epsilon: parameters.epsilon)
    let merged =
      weights.classToken == nil
      ? attention(block, normed, in: builder) : attentionAroundClassToken(block, normed, in: builder)
    let residual: Tensor = ggml_add(
      context, builder.linear(merged, block.output), state)

    let inner = builder.linear(
      builder.layerNorm(residual, block.norm2, epsilon: parameters.epsilon), block.up)
    let activated: Tensor =
      switch parameters.activation {
      case .quickGELU: builder.quickGELU(inner)
      case .gelu: ggml_gelu(context, inner)
      case .silu: ggml_silu(context, inner)
      }
    return ggml_add(context, builder.linear(activated, block.down), residual)
  }

  /// Attention of all rows to all rows: `[C, rows, tiles]` to `[C, rows, tiles]`.
  private func attention(_ block: VisionWeights.Block, _ normed: Tensor, in builder: GraphBuilder) -> Tensor {
    let query = heads(builder.linear(normed, block.query), in: builder)
    let key = heads(builder.linear(normed, block.key), in: builder)
    let value = heads(builder.linear(normed, block.value), in: builder)
    let attended = attend(query, key, value, in: builder)
    return ggml_reshape_3d(
      builder.context, attended, normed.pointee.ne.0, normed.pointee.ne.1, normed.pointee.ne.2)
  }

  /// The same where row 0 is the class token, which is left out of the kernel's keys and queries: it takes 64 of each
  /// at once, so that 577 would cost as much as 640.
  ///
  /// Softmax does not change when the class token's key is taken from every key: all scores of a query move alike, the
  /// class token's to 0, which is a sink of 0 for the kernel. With its value taken from every value too, it adds
  /// nothing to the sum, and is added to each row at the end, since the shares sum to 1. The biases go with them: a
  /// key's cancels, a value's comes in at the end.
  private func attentionAroundClassToken(
    _ block: VisionWeights.Block, _ normed: Tensor, in builder: GraphBuilder
  ) -> Tensor {
    let context = builder.context
    let (rows, tiles) = (normed.pointee.ne.1, normed.pointee.ne.2)

    func part(_ tensor: Tensor, from start: Int64, count: Int64) -> Tensor {
      let strides = tensor.pointee.nb
      return ggml_view_3d(
        context, tensor, tensor.pointee.ne.0, count, tiles, strides.1, strides.2, strides.1 * Int(start))
    }
    func relative(_ product: Tensor) -> Tensor {
      ggml_sub(context, part(product, from: 1, count: rows - 1), part(product, from: 0, count: 1))
    }
    let queries = builder.linear(normed, block.query)
    let key = heads(relative(builder.linear(normed, block.key.weight)), in: builder)
    let values = builder.linear(normed, block.value.weight)
    let value = heads(relative(values), in: builder)
    let heads = Int64(parameters.heads)
    let sinks: Tensor = ggml_fill(context, ggml_new_tensor_1d(context, GGML_TYPE_F32, heads), 0)

    func attend(from start: Int64, count: Int64) -> Tensor {
      let query = self.heads(part(queries, from: start, count: count), in: builder)
      let attended = self.attend(query, key, value, in: builder)
      ggml_flash_attn_ext_add_sinks(attended, sinks)
      return attended
    }
    let attended: Tensor = ggml_concat(
      context, attend(from: 0, count: 1), attend(from: 1, count: rows - 1), 2)
    let merged: Tensor = ggml_reshape_3d(context, attended, Int64(parameters.width), rows, tiles)
    let classValue = part(values, from: 0, count: 1)
    let shared: Tensor = block.value.bias.map { ggml_add(context, classValue, $0) } ?? classValue
    return ggml_add(context, merged, shared)
  }

  /// `[C, rows, tiles]` seen as `[head width, rows, heads, tiles]`.
  private func heads(_ rows: Tensor, in builder: GraphBuilder) -> Tensor {
    let (shape, strides) = (rows.pointee.ne, rows.pointee.nb)
    let headWidth = parameters.width / parameters.heads
    return ggml_view_4d(
      builder.context, rows, Int64(headWidth), shape.1, Int64(parameters.heads), shape.2,
      strides.1, headWidth * strides.0, strides.2, 0)
  }

  /// `[head width, heads, queries, tiles]`. Keys and values stay F32 views: the tiled kernel reads them in place, with
  /// no cast and no copy.
  private func attend(_ query: Tensor, _ key: Tensor, _ value: Tensor, in builder: GraphBuilder) -> Tensor {
    let scale = 1 / Float(parameters.width / parameters.heads).squareRoot()
    return ggml_flash_attn_ext(builder.context, query, key, value, nil, scale, 0, 0)
  }
}
