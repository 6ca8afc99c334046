import CLlama

/// The graph of one pass: its inputs, its outputs and the formula between.
struct LanguageGraph {
  private var tokens, images, order, hidden, outputs: Tensor?
  private let positions, cells: Tensor
  private let lowerMasks, upperMasks: [Tensor]
  private var logits, state: Tensor?
  /// In the order of the pass's requests.
  private var importances: [Tensor?]

  private var parameters: LanguageParameters { model.parameters }
  private let model: LanguageModel

  init(_ pass: LanguagePass, _ model: LanguageModel, in builder: GraphBuilder) {
    let rows = pass.rows.count
    self.model = model
    importances = pass.importances.map { _ in nil }
    positions = builder.input(GGML_TYPE_I32, rows)
    cells = builder.input(GGML_TYPE_I64, rows)
    let reachesEnd = pass.layers.upperBound == model.parameters.layers
    // Where nobody reads the last layer's rows, none of them attends.
    let attending: Range<Int> = reachesEnd && pass.outputs.isEmpty ? pass.layers.dropLast() : pass.layers
    func masks(_ slices: [AttentionSlice], _ isUsed: Bool) -> [Tensor] {
      // An input that nothing reads would have no memory.
      isUsed ? slices.map { builder.input(GGML_TYPE_F16, $0.span.count, $0.rows.count) } : []
    }
    lowerMasks = masks(pass.lower, attending.contains { !pass.isUpper($0) })
    upperMasks = masks(pass.upper, attending.contains { pass.isUpper($0) })
    // Where all rows are wanted none is picked out.
    if reachesEnd, !pass.outputs.isEmpty, pass.outputs.count < rows {
      outputs = builder.input(GGML_TYPE_I32, pass.outputs.count)
    }
    let last = run(pass, entry(pass, in: builder), in: builder)
    if reachesEnd {
      logits = last.map { last in
        let weights = model.weights
        let normed = builder.rmsNorm(last, weights.outputNorm, epsilon: parameters.epsilon)
        return builder.output(builder.linear(normed, weights.output, weights.outputBias))
      }
    } else {
      state = last.map(builder.output)
    }
  }

  func fill(_ pass: LanguagePass) {
    tokens?.fill(pass.rows.tokens)
    images?.fill(pass.rows.images)
    order?.fill(pass.rows.order)
    hidden?.fill(pass.rows.hidden)
    positions.fill(pass.rows.positions)
    cells.fill(pass.rows.cells)
    outputs?.fill(pass.outputs)
    for (tensor, slice) in zip(lowerMasks, pass.lower) { tensor.fill(slice.mask) }
    for (tensor, slice) in zip(upperMasks, pass.upper) { tensor.fill(slice.mask) }
  }

  /// Groups that a graph of `layers` layers has room for. A layer has at most 64 nodes and weights, and 7 nodes more
  /// for each group's attention; a quarter of the graph is left for importances.
  static func mostGroups(layers: Int) -> Int {
    max(1, (ComputeDevice.maximumNodes / 4 * 3 / layers - 64) / 7)
  }

  func output() -> PassOutput {
    PassOutput(
      logits: logits?.floats() ?? [], hidden: state?.floats() ?? [],
      importances: importances.map { $0?.floats() ?? [] })
  }

  // MARK: Layers

  /// The pass's layers; nil where nobody reads the last layer's rows.
  private mutating func run(_ pass: LanguagePass, _ entry: Tensor, in builder: GraphBuilder) -> Tensor? {
    let context = builder.context
    var state = entry  // [D, rows]
    for index in pass.layers {
      let layer = model.weights.layers[index]
      let isLast = index == parameters.layers - 1
      let isUpper = pass.isUpper(index)
      let attention = Attention(
        slices: isUpper ? pass.upper : pass.lower, masks: isUpper ? upperMasks : lowerMasks,
        parameters: parameters, builder: builder)
      let normed = builder.rmsNorm(state, layer.attentionNorm, epsilon: parameters.epsilon)
      let stored = store(layer, index, normed, in: builder)
      if isLast, pass.outputs.isEmpty {
        // Its keys and values are all that later steps need.
        builder.expand(stored.keys)
        builder.expand(stored.values)
        return nil
      }
      let query = rotated(
        builder.linear(normed, layer.query, layer.queryBias), heads: parameters.heads, in: builder)
      for (place, request) in pass.importances.enumerated() where request.layer == index {
        importances[place] = builder.output(
          attention.importance(request, rowsAtOnce: pass.importanceRows, query, stored.keys))
      }
      var attended = attention.run(query, stored)
      if isLast, let outputs {
        attended = ggml_get_rows(context, attended, outputs)
        state = ggml_get_rows(context, state, outputs)
      }
      state = ggml_add(context, builder.linear(attended, layer.output, layer.outputBias), state)
      let inner = builder.rmsNorm(state, layer.feedForwardNorm, epsilon: parameters.epsilon)
      let gated: Tensor = ggml_swiglu_split(
        context, builder.linear(inner, layer.gate, layer.gateBias),
        builder.linear(inner, layer.up, layer.upBias))
      state = ggml_add(context, builder.linear(gated, layer.down, layer.downBias), state)
    }
    return state
  }

  /// What enters the first layer: hidden rows, or text rows looked up and image rows as they are, in the pass's
  /// order; `[D, rows]`.
  private mutating func entry(_ pass: LanguagePass, in builder: GraphBuilder) -> Tensor {
    let context = builder.context
    let width = parameters.width
    if pass.rows.hiddenCount > 0 {
      let rows = builder.input(GGML_TYPE_F32, width, pass.rows.hiddenCount)
      hidden = rows
      return rows
    }
    var text: Tensor?
    if !pass.rows.tokens.isEmpty {
      let ids = builder.input(GGML_TYPE_I32, pass.rows.tokens.count)
      tokens = ids
      text = ggml_get_rows(context, model.weights.embeddings, ids)
    }
    guard pass.rows.imageCount > 0 else {
      // A pass has rows, so without image rows it has text.
      return text ?? builder.input(GGML_TYPE_F32, width, 0)
    }
    let image = builder.input(GGML_TYPE_F32, width, pass.rows.imageCount)
    images = image
    guard let text else { return image }
    let places = builder.input(GGML_TYPE_I32, pass.rows.order.count)
    order = places
    return ggml_get_rows(context, ggml_concat(context, text, image, 1), places)
  }

  /// Puts the rows' keys and values into their cells of layer `index`.
  private func store(
    _ layer: LanguageWeights.Layer, _ index: Int, _ normed: Tensor, in builder: GraphBuilder
  ) -> StoredRows {
    let context = builder.context
    let split = rotated(
      builder.linear(normed, layer.key, layer.keyBias), heads: parameters.keyValueHeads, in: builder)
    let key: Tensor = ggml_reshape_2d(
      context, split, Int64(parameters.keyValueWidth), normed.pointee.ne.1)
    let value = builder.linear(normed, layer.value, layer.valueBias)
    return StoredRows(
      keys: ggml_set_rows(context, model.arena.keys[index], key, cells),
      values: ggml_set_rows(context, model.arena.values[index], value, cells))
  }

  /// `rows` as `[head width, heads, rows]`, rotated by their positions.
  private func rotated(_ rows: Tensor, heads: Int, in builder: GraphBuilder) -> Tensor {
    let split: Tensor = ggml_reshape_3d(
      builder.context, rows, Int64(parameters.headWidth), Int64(heads), rows.pointee.ne.1)
    return parameters.rope.apply(
      split, positions: positions, factors: model.weights.ropeFactors, in: builder)
  }
}
