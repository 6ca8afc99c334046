import CLlama

/// One layer's keys and values, `[key/value width, cells]`, after the pass's rows were put in.
struct StoredRows {
  var keys: Tensor
  var values: Tensor
}

/// One layer's attention, slice by slice over contiguous views of the arena.
struct Attention {
  let slices: [AttentionSlice]
  /// For each slice `[cells, rows]`.
  let masks: [Tensor]
  let parameters: LanguageParameters
  let builder: GraphBuilder

  private var context: OpaquePointer { builder.context }
  private var scale: Float { 1 / Float(parameters.headWidth).squareRoot() }

  /// `query` is `[head width, heads, rows]`; returns `[D, rows]` in row order.
  func run(_ query: Tensor, _ stored: StoredRows) -> Tensor {
    let merged = Int64(parameters.headWidth * parameters.heads)
    var attended: Tensor?
    for (slice, mask) in zip(slices, masks) {
      let mixed: Tensor = ggml_flash_attn_ext(
        context, rows(slice.rows, of: query), cells(slice.span, of: stored.keys),
        cells(slice.span, of: stored.values), mask, scale, 0, 0)
      let flat: Tensor = ggml_reshape_2d(context, mixed, merged, Int64(slice.rows.count))
      attended = attended.map { ggml_concat(context, $0, flat, 1) } ?? flat
    }
    return attended ?? query
  }

  /// The share of attention that each cell of the slice's span gets from each head, averaged over the wanted rows:
  /// `[1, cells, heads]`. Softmax over all that a row sees.
  ///
  /// More rows than `rowsAtOnce` are taken one part after another, in the memory of one.
  func importance(
    _ request: ImportanceRequest, rowsAtOnce: Int, _ query: Tensor, _ keys: Tensor
  ) -> Tensor {
    let seen = cells(slices[request.slice].span, of: keys)
    guard request.rows.count > rowsAtOnce else {
      return ggml_mean(context, shares(request.slice, request.rows, query, seen))
    }
    var sum: Tensor?
    for start in stride(from: request.rows.lowerBound, to: request.rows.upperBound, by: rowsAtOnce) {
      let part = start..<min(start + rowsAtOnce, request.rows.upperBound)
      let partSum: Tensor = ggml_sum_rows(context, shares(request.slice, part, query, seen))
      sum = sum.map { ggml_add(context, $0, partSum) } ?? partSum
    }
    return ggml_scale(context, sum, 1 / Float(request.rows.count))
  }

  /// The attention probabilities of a slice's rows, `[rows, cells, heads]`; `seen` are the span's keys.
  private func shares(_ index: Int, _ wanted: Range<Int>, _ query: Tensor, _ seen: Tensor) -> Tensor {
    let mask = masks[index]
    let visible: Tensor = ggml_view_2d(
      context, mask, mask.pointee.ne.0, Int64(wanted.count), mask.pointee.nb.1,
      mask.pointee.nb.1 * wanted.lowerBound)
    let first = slices[index].rows.lowerBound
    let asking = rows(first + wanted.lowerBound..<first + wanted.upperBound, of: query)
    let scores: Tensor = ggml_mul_mat(context, seen, asking)  // [cells, rows, heads]
    let shares: Tensor = ggml_soft_max_ext(context, scores, visible, scale, 0)
    return ggml_cont(context, ggml_permute(context, shares, 1, 0, 2, 3))
  }

  /// Rows of the query as `[head width, rows, heads]`.
  private func rows(_ range: Range<Int>, of query: Tensor) -> Tensor {
    let stride = query.pointee.nb.2
    let view: Tensor = ggml_view_3d(
      context, query, query.pointee.ne.0, query.pointee.ne.1, Int64(range.count), query.pointee.nb.1, stride,
      stride * range.lowerBound)
    return ggml_permute(context, view, 0, 2, 1, 3)
  }

  /// The span's cells as `[head width, cells, key/value heads]`.
  private func cells(_ span: Range<Int>, of tensor: Tensor) -> Tensor {
    let (element, row) = (tensor.pointee.nb.0, tensor.pointee.nb.1)
    let width = Int64(parameters.headWidth)
    return ggml_view_3d(
      context, tensor, width, Int64(span.count), Int64(parameters.keyValueHeads), row, element * Int(width),
      row * span.lowerBound)
  }
}
