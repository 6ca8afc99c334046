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
    let (rows, tiles) = (state.pointee.ne.1, state.pointee.ne.2)
    let headWidth = Int64(parameters.width / parameters.heads)

    func heads(_ linear: Linear, _ rowsIn: Tensor) -> Tensor {
      let product = builder.linear(rowsIn, linear)
      let split: Tensor = ggml_reshape_4d(
        context, product, headWidth, Int64(parameters.heads), rows, tiles)
      return ggml_permute(context, split, 0, 2, 1, 3)  // [head width, rows, heads, tiles]
    }
    let normed = builder.layerNorm(state, block.norm1, epsilon: parameters.epsilon)
    let query = heads(block.query, normed)
    let key = heads(block.key, normed)
    let value = heads(block.value, normed)
    // Keys and values stay F32 views: the tiled kernel reads them in place, with no cast and no copy.
    func attend(_ query: Tensor) -> Tensor {
      ggml_flash_attn_ext(context, query, key, value, nil, 1 / Float(headWidth).squareRoot(), 0, 0)
    }
    func queries(_ start: Int64, _ count: Int64) -> Tensor {
      let strides = query.pointee.nb
      return ggml_view_4d(
        context, query, headWidth, count, query.pointee.ne.2, tiles, strides.1, strides.2, strides.3,
        strides.1 * Int(start))
    }
    // The class token's query apart: the kernel takes 64 queries at once, and 577 would cost as much as 640.
    let attended: Tensor =
      weights.classToken == nil
      ? attend(query) : ggml_concat(context, attend(queries(0, 1)), attend(queries(1, rows - 1)), 2)
    let merged: Tensor = ggml_reshape_3d(context, attended, Int64(parameters.width), rows, tiles)
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
}
