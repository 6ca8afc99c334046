import Batching
import TokenSampling

/// Computes one step: all rows below the selection layer, then, where questions select, what each keeps above it.
///
/// Where nobody selects in the step, one pass runs all layers.
struct StepComputation {
  let step: Step
  /// The step's groups, slice by slice.
  let groups: [any StepGroup]
  let language: LanguageModel
  let settings: SelectionSettings

  /// Logits of the rows that want them, `[row, vocabulary]`, and whose they are: the slice, and the row's content.
  struct Output {
    var wanted: [(slice: Int, content: StepRow.Content)] = []
    var logits: [Float] = []
  }

  func run() throws -> Output {
    try language.copy(step.copies)
    let sources = Dictionary(uniqueKeysWithValues: zip(step.slices.map(\.group), groups))
    let rows = try PassRows(step.slices) { id, content in try sources[id]?.source(of: content) ?? .token(0) }
    return isSplit ? try runSplit(rows) : try runWhole(rows)
  }

  /// Whether rows go up that were not below, or some don't, or what they see there is not yet known.
  private var isSplit: Bool {
    step.slices.contains { slice in
      !slice.selections.isEmpty
        || (!slice.sharesAllLayers && slice.rows.contains { $0.content.question == nil })
    }
  }

  // MARK: One pass

  private func runWhole(_ rows: PassRows) throws -> Output {
    var pass = LanguagePass(
      layers: 0..<language.parameters.layers, selectionLayer: settings.layer, rows: rows)
    pass.lower = lowerSlices()
    let selects = groups.contains(where: \.selects)
    let upper = zip(step.slices, groups).map { slice, group in slice.upperRows(group.kept) }
    if selects { pass.upper = upperSlices(upper) }
    var output = Output()
    for (row, place) in wantedRows(upper) {
      pass.outputs.append(Int32(row))
      output.wanted.append(place)
    }
    output.logits = try language.compute(pass).logits
    return output
  }

  // MARK: Two passes

  private func runSplit(_ rows: PassRows) throws -> Output {
    var below = LanguagePass(layers: 0..<settings.layer, selectionLayer: settings.layer, rows: rows)
    below.lower = lowerSlices()
    for (index, (slice, group)) in zip(step.slices, groups).enumerated() {
      for selection in slice.selections {
        below.importances.append(
          ImportanceRequest(
            layer: settings.layer - 1, slice: index,
            rows: settings.source.rows(
              prompt: selection.rows, question: group.questionRows(selection.question))))
      }
    }
    let result = try language.compute(below)
    keepPrefixes(result.hidden)
    select(result.importances, below)

    let upper = zip(step.slices, groups).map { slice, group in slice.upperRows(group.kept) }
    var output = Output()
    guard upper.contains(where: { !$0.isEmpty }) else { return output }
    var above = LanguagePass(
      layers: settings.layer..<language.parameters.layers, selectionLayer: settings.layer)
    above.rows = upperRows(upper, below: result.hidden)
    above.upper = upperSlices(upper)
    for (row, place) in wantedRows(upper) {
      above.outputs.append(Int32(row))
      output.wanted.append(place)
    }
    output.logits = try language.compute(above).logits
    return output
  }

  /// Keeps the prefix rows of groups whose questions compute them again above.
  private func keepPrefixes(_ hidden: [Float]) {
    let width = language.parameters.width
    var row = 0
    for (slice, group) in zip(step.slices, groups) {
      for step in slice.rows {
        if case .prefix(let index) = step.content, !slice.sharesAllLayers {
          group.keep(hidden[row * width..<(row + 1) * width], at: index)
        }
        row += 1
      }
    }
  }

  private func select(_ shares: [[Float]], _ pass: LanguagePass) {
    var results = shares[...]
    for (index, (slice, group)) in zip(step.slices, groups).enumerated() {
      let offset = slice.span.lowerBound - pass.lower[index].span.lowerBound
      for selection in slice.selections {
        guard let shares = results.popFirst() else { return }
        let importance =
          settings.source == .random
          ? TokenSelection.chance(group.visualRows.count, seed: group.seed(of: selection.question))
          : settings.heads.importance(
            shares, heads: language.parameters.heads, cells: group.visualRows.map { $0 + offset })
        group.select(
          importance, for: selection.question, start: slice.span.lowerBound, cells: selection.cells)
      }
    }
  }

  /// The upper pass's rows: those that came up, and the prefix rows that questions compute for themselves.
  private func upperRows(_ upper: [[UpperRow]], below: [Float]) -> PassRows {
    let width = language.parameters.width
    var rows = PassRows()
    rows.hidden.reserveCapacity(upper.reduce(0) { $0 + $1.count } * width)
    var first = 0
    for ((slice, group), upperRows) in zip(zip(step.slices, groups), upper) {
      for row in upperRows {
        let (source, index) =
          switch row.source {
          case .lower(let index): (below, first + index)
          case .prefix(let index): (group.hiddenPrefix, index)
          }
        rows.hidden += source[index * width..<(index + 1) * width]
        rows.positions.append(Int32(row.position))
        rows.cells.append(Int64(row.cell))
      }
      first += slice.rows.count
    }
    rows.hiddenCount = rows.positions.count
    return rows
  }

  // MARK: Slices

  private func lowerSlices() -> [AttentionSlice] {
    var first = 0
    return step.slices.map { slice in
      defer { first += slice.rows.count }
      return AttentionSlice(
        firstRow: first, visible: slice.rows.map(\.visible), span: slice.span, within: language.arena.cells)
    }
  }

  private func upperSlices(_ upper: [[UpperRow]]) -> [AttentionSlice] {
    var first = 0
    return zip(step.slices, upper).compactMap { slice, rows in
      guard !rows.isEmpty else { return nil }
      defer { first += rows.count }
      return AttentionSlice(
        firstRow: first, visible: rows.map(\.visible), span: slice.upperSpan, within: language.arena.cells)
    }
  }

  /// Rows above the selection layer whose logits are wanted, counted over all slices.
  private func wantedRows(
    _ upper: [[UpperRow]]
  ) -> [(row: Int, place: (slice: Int, content: StepRow.Content))] {
    var wanted: [(row: Int, place: (slice: Int, content: StepRow.Content))] = []
    var first = 0
    for (slice, rows) in upper.enumerated() {
      for (index, row) in rows.enumerated() where row.wantsLogits {
        if case .lower(let lower) = row.source {
          wanted.append((first + index, (slice, step.slices[slice].rows[lower].content)))
        }
      }
      first += rows.count
    }
    return wanted
  }
}
