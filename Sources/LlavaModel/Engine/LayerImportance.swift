import Batching

/// One question's importance at every layer, from its whole prompt through all layers with nothing dropped.
struct LayerImportance {
  let language: LanguageModel
  let heads: HeadReduction
  /// Rows of the prefix that hold visual tokens, in order.
  let visualRows: [Int]
  /// Rows of the question's prompt that hold the user's text.
  let questionRows: Range<Int>

  /// Computes a step of one group. Returns `[layer, visual token]` once the question's prompt is among its rows.
  func compute(_ step: Step, source: (StepRow.Content) throws -> PassRows.Source) throws -> [[Float]]? {
    try language.copy(step.copies)
    var pass = try LanguagePass(whole: step, model: language) { _, content in try source(content) }
    let slice = step.slices[0]
    let first = slice.selections.first?.rows.lowerBound
    if let first {
      let rows = first + questionRows.lowerBound..<first + questionRows.upperBound
      pass.importances = pass.layers.map { ImportanceRequest(layer: $0, slice: 0, rows: rows) }
    }
    let output = try language.compute(pass)
    guard first != nil else { return nil }
    let start = slice.span.lowerBound - pass.lower[0].span.lowerBound
    return output.importances.map { shares in
      heads.importance(shares, heads: language.parameters.heads, cells: visualRows.map { $0 + start })
    }
  }
}
