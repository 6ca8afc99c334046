import Answering
import Batching
import TokenSampling

@testable import LlavaModel

/// One question of plain token ids about plain image rows, answered greedily with a selection.
final class SelectedAnswer: StepGroup {
  let visualRows: [Int]
  let selects = true
  private(set) var hiddenPrefix: [Float] = []
  private(set) var importance: [Float] = []
  /// Indices of the visual tokens kept.
  private(set) var kept: [Int] = []
  /// Of the prompt's last row.
  private(set) var logits: [Float] = []
  private(set) var tokens: [Int32] = []
  private let language: LanguageModel
  private let settings: SelectionSettings
  private let mode: SelectionMode
  private let amount: SelectionAmount
  private let prompt: Golden.Prompt
  private let imageRows: [Float]
  private let prefixRows: Int
  private let stepRows: Int
  private var rows: KeptRows?

  init(
    _ language: LanguageModel, layer: Int, heads: HeadReduction, mode: SelectionMode, amount: SelectionAmount,
    prompt: Golden.Prompt, imageRows: [Float], newlines: [Int], stepRows: Int = 512
  ) throws {
    self.language = language
    var engine = EngineSettings.forTests
    engine.selectionLayer = layer
    engine.importanceHeads = heads
    settings = try SelectionSettings(engine, nil, layers: language.parameters.layers)
    self.mode = mode
    self.amount = amount
    self.prompt = prompt
    self.imageRows = imageRows
    self.stepRows = stepRows
    let count = imageRows.count / language.parameters.width
    prefixRows = prompt.before.count + count
    let newlineRows = Set(newlines.enumerated().map { $1 + $0 })
    visualRows = (0..<count).filter { !newlineRows.contains($0) }.map { prompt.before.count + $0 }
  }

  func run(tokens count: Int) throws -> SelectedAnswer {
    var scheduler = Scheduler(cells: language.arena.cells, stepRows: stepRows)
    let own = mode == .prune ? prefixRows - visualRows.count + amount.most(of: visualRows.count) : 0
    scheduler.add(
      GroupPlan(
        id: 0, prefixRows: prefixRows,
        questions: [
          QuestionPlan(
            promptRows: prompt.question.count + prompt.after.count, selects: true, ownPrefixRows: own,
            answerRows: count)
        ]))
    while tokens.count < count, let step = scheduler.nextStep() {
      let output = try StepComputation(
        step: step, groups: step.slices.map { _ in self }, language: language, settings: settings
      ).run()
      guard !output.wanted.isEmpty else { continue }
      if logits.isEmpty { logits = output.logits }
      let best = output.logits.indices.max { output.logits[$0] < output.logits[$1] } ?? 0
      tokens.append(Int32(best))
      scheduler.goOn(group: 0, question: 0)
    }
    return self
  }

  func source(of content: StepRow.Content) -> PassRows.Source {
    let width = language.parameters.width
    switch content {
    case .prefix(let index) where index < prompt.before.count: return .token(prompt.before[index])
    case .prefix(let index):
      let row = index - prompt.before.count
      return .image(imageRows[row * width..<(row + 1) * width])
    case .prompt(_, let index): return .token((prompt.question + prompt.after)[index])
    case .branch, .answer: return .token(tokens.last ?? 0)
    }
  }

  func keep(_ row: ArraySlice<Float>, at index: Int) {
    if hiddenPrefix.isEmpty { hiddenPrefix = Array(repeating: 0, count: prefixRows * row.count) }
    hiddenPrefix.replaceSubrange(index * row.count..<(index + 1) * row.count, with: row)
  }

  func seed(of question: Int) -> UInt64 { 0 }
  func questionRows(_ question: Int) -> Range<Int> { 0..<prompt.question.count }

  func select(_ importance: [Float], for question: Int, start: Int, cells: [Int]) {
    self.importance = importance
    kept = TokenSelection.kept(importance, amount)
    let dropped = Set(visualRows).subtracting(kept.map { visualRows[$0] })
    rows = KeptRows(
      rows: (0..<prefixRows).filter { !dropped.contains($0) }, prefixStart: start,
      cells: mode == .prune ? cells : nil)
  }

  func kept(_ question: Int) -> KeptRows? { rows }
}
