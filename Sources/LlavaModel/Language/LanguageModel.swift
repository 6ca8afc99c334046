import CLlama
import Foundation

/// The transformer: rows in, keys and values into the arena, logits out.
///
/// Dense layers run over all rows of a step, whatever group they belong to; attention runs group by group.
/// Not thread-safe: used from the engine's thread only.
final class LanguageModel {
  let parameters: LanguageParameters
  let arena: KeyValueArena
  private let weights: LanguageWeights
  private let device: ComputeDevice
  private let storage: Weights

  /// - Parameter cells: key/value cells; nil sizes the arena by the model's context and this machine's memory.
  init(file: GGUFFile, device: ComputeDevice, cells: Int?) throws(ModelError) {
    let loader = WeightLoader(file: file, device: device)
    parameters = try LanguageParameters(file)
    weights = try LanguageWeights(parameters, file, loader)
    storage = try loader.load()
    // F32 weights are used for comparing with references, where F16 keys would drown the difference.
    let type = file.tensors["blk.0.attn_k.weight"]?.type == GGML_TYPE_F32 ? GGML_TYPE_F32 : GGML_TYPE_F16
    arena = try KeyValueArena(
      parameters: parameters, cells: cells ?? Self.defaultCells(parameters, type), type: type, device: device)
    self.device = device
  }

  /// Computes a step. Returns logits `[wanted rows, vocabulary]`.
  func compute(_ step: StepInput) throws -> [Float] {
    try device.run(
      reusing: step.shape,
      build: { graph(step, in: $0) },
      fill: { graph in
        graph.tokens?.fill(step.tokens)
        graph.imageRows?.fill(step.imageRows)
        graph.order?.fill(step.order)
        graph.positions.fill(step.positions)
        graph.cells.fill(step.cells)
        graph.outputs?.fill(step.outputs)
        for (tensor, slice) in zip(graph.masks, step.slices) { tensor.fill(slice.mask) }
      },
      read: { graph in graph.logits?.floats() ?? [] })
  }

  /// Room for two of the model's contexts, within a quarter of this machine's memory.
  private static func defaultCells(_ parameters: LanguageParameters, _ type: ggml_type) -> Int {
    let memory = sysconf(Int32(_SC_PHYS_PAGES)) * Int(getpagesize())
    let affordable = memory / 4 / KeyValueArena.bytesPerCell(parameters, type)
    return max(256, min(2 * parameters.contextLength, affordable, 32768))
  }

  // MARK: Graph

  private struct Graph {
    var tokens, imageRows, order, outputs: Tensor?
    var positions, cells: Tensor
    var masks: [Tensor]
    var logits: Tensor?
  }

  private func graph(_ step: StepInput, in builder: GraphBuilder) -> Graph {
    let context = builder.context
    let rows = step.positions.count
    var graph = Graph(
      positions: builder.input(GGML_TYPE_I32, rows), cells: builder.input(GGML_TYPE_I64, rows),
      masks: step.slices.map { builder.input(GGML_TYPE_F16, $0.span.count, $0.rows.count) })
    // Where all rows are wanted none is picked out; an input that nothing reads would have no memory.
    if !step.outputs.isEmpty, step.outputs.count < rows {
      graph.outputs = builder.input(GGML_TYPE_I32, step.outputs.count)
    }

    var state = embed(step, &graph, in: builder)  // [D, rows]
    for (index, layer) in weights.layers.enumerated() {
      let isLast = index == weights.layers.count - 1
      let normed = builder.rmsNorm(state, layer.attentionNorm, epsilon: parameters.epsilon)
      let stored = store(layer, index, normed, graph, in: builder)
      if isLast, step.outputs.isEmpty {
        // Nobody reads the last layer's rows: its keys and values are all that later steps need.
        builder.expand(stored.keys)
        builder.expand(stored.values)
        return graph
      }
      var attended = attend(layer, normed, stored, step, graph, in: builder)
      if isLast, let outputs = graph.outputs {
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
    let normed = builder.rmsNorm(state, weights.outputNorm, epsilon: parameters.epsilon)
    graph.logits = builder.output(builder.linear(normed, weights.output, weights.outputBias))
    return graph
  }

  /// Text rows looked up, image rows as they are, in the step's order: `[D, rows]`.
  private func embed(_ step: StepInput, _ graph: inout Graph, in builder: GraphBuilder) -> Tensor {
    let context = builder.context
    var text: Tensor?
    if !step.tokens.isEmpty {
      let tokens = builder.input(GGML_TYPE_I32, step.tokens.count)
      graph.tokens = tokens
      text = ggml_get_rows(context, weights.embeddings, tokens)
    }
    guard step.imageRowCount > 0 else {
      // A step has rows, so without image rows it has text.
      return text ?? builder.input(GGML_TYPE_F32, parameters.width, 0)
    }
    let image = builder.input(GGML_TYPE_F32, parameters.width, step.imageRowCount)
    graph.imageRows = image
    guard let text else { return image }
    let order = builder.input(GGML_TYPE_I32, step.order.count)
    graph.order = order
    return ggml_get_rows(context, ggml_concat(context, text, image, 1), order)
  }

  /// Puts the rows' keys and values into their cells of layer `index`.
  private func store(
    _ layer: LanguageWeights.Layer, _ index: Int, _ normed: Tensor, _ graph: Graph, in builder: GraphBuilder
  ) -> (keys: Tensor, values: Tensor) {
    let context = builder.context
    let rows = normed.pointee.ne.1
    let split: Tensor = ggml_reshape_3d(
      context, builder.linear(normed, layer.key, layer.keyBias), Int64(parameters.headWidth),
      Int64(parameters.keyValueHeads), rows)
    let rotated = parameters.rope.apply(
      split, positions: graph.positions, factors: weights.ropeFactors, in: builder)
    let key: Tensor = ggml_reshape_2d(context, rotated, Int64(parameters.keyValueWidth), rows)
    let value = builder.linear(normed, layer.value, layer.valueBias)
    return (
      keys: ggml_set_rows(context, arena.keys[index], key, graph.cells),
      values: ggml_set_rows(context, arena.values[index], value, graph.cells)
    )
  }

  /// Each slice's attention over its span: `[D, rows]` in row order.
  private func attend(
    _ layer: LanguageWeights.Layer, _ normed: Tensor, _ stored: (keys: Tensor, values: Tensor),
    _ step: StepInput, _ graph: Graph, in builder: GraphBuilder
  ) -> Tensor {
    let context = builder.context
    let (width, heads) = (Int64(parameters.headWidth), Int64(parameters.heads))
    let split: Tensor = ggml_reshape_3d(
      context, builder.linear(normed, layer.query, layer.queryBias), width, heads, normed.pointee.ne.1)
    let query = parameters.rope.apply(
      split, positions: graph.positions, factors: weights.ropeFactors, in: builder)

    /// The span's cells as `[head width, cells, key/value heads]`.
    func cells(_ tensor: Tensor, _ span: Range<Int>) -> Tensor {
      let (element, row) = (tensor.pointee.nb.0, tensor.pointee.nb.1)
      return ggml_view_3d(
        context, tensor, width, Int64(span.count), Int64(parameters.keyValueHeads), row,
        element * Int(width), row * span.lowerBound)
    }
    var attended: Tensor?
    for (slice, mask) in zip(step.slices, graph.masks) {
      let rowStride = query.pointee.nb.2
      let rows: Tensor = ggml_view_3d(
        context, query, width, heads, Int64(slice.rows.count), query.pointee.nb.1, rowStride,
        rowStride * slice.rows.lowerBound)
      let mixed: Tensor = ggml_flash_attn_ext(
        context, ggml_permute(context, rows, 0, 2, 1, 3), cells(stored.keys, slice.span),
        cells(stored.values, slice.span), mask, 1 / Float(width).squareRoot(), 0, 0)
      let flat: Tensor = ggml_reshape_2d(context, mixed, width * heads, Int64(slice.rows.count))
      attended = attended.map { ggml_concat(context, $0, flat, 1) } ?? flat
    }
    return attended ?? query
  }
}
