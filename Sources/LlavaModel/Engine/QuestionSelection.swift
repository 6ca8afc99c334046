import Answering
import Batching
import TokenSampling

/// How one question selects among an image's tokens.
struct QuestionSelection: Equatable {
  /// `prune` or `shared`.
  var mode: SelectionMode
  var amount: SelectionAmount

  /// Bytes of a question that may select. It does so in one step with all its rows, and so with memory for each.
  private static let longestQuestion = 4096

  /// nil where every token is kept. `count` questions are asked together.
  init?(_ question: Question, _ settings: SelectionSettings, questions count: Int) {
    if question.text.utf8.count > Self.longestQuestion { return nil }
    let parameters = question.parameters
    mode = (parameters.selection ?? .auto).resolved(questions: count)
    amount = parameters.selectionRatio.map { .ratio($0) } ?? settings.amount
    if mode == .none || amount.keepsAll || !settings.isPossible { return nil }
  }

  /// Rows of the prefix that the question computes again above the selection layer, at most.
  func ownRows(of prefix: PrefixState) -> Int {
    mode == .prune ? prefix.plainRows + amount.most(of: prefix.visualRows.count) : 0
  }
}

/// What all questions' selections have in common.
struct SelectionSettings: Equatable {
  /// Layers below the selection, 1 or more, and fewer than the model has where it `isPossible`.
  var layer: Int
  /// Whether there are layers above the selection: with one layer, every question keeps all tokens.
  var isPossible: Bool
  /// Where a question says nothing.
  var amount: SelectionAmount
  var heads: HeadReduction
  var source: ImportanceSource

  init(
    _ settings: EngineSettings, _ sampler: SamplerFile?, layers: Int
  ) throws(ModelError) {
    let layer = settings.selectionLayer ?? sampler?.selectionLayer
    if let layer, !(1..<layers).contains(layer) {
      throw .setting(
        "the selection layer is \(layer) of \(layers): it must be 1 or more, and leave a layer above it")
    }
    isPossible = layers > 1
    self.layer = layer ?? max(1, Int((Double(layers) / 4).rounded()))
    amount = settings.selectionAmount ?? .ratio(sampler?.selectionRatio ?? 0.5)
    heads = settings.importanceHeads ?? (sampler?.strongestHead == true ? .max : .mean)
    source = settings.importance
  }
}

extension HeadReduction {
  /// One score for each of `cells` from `shares`, `[head, cell of the span]`.
  func importance(_ shares: [Float], heads: Int, cells: [Int]) -> [Float] {
    let width = shares.count / Swift.max(1, heads)
    return cells.map { cell in
      switch self {
      case .mean: (0..<heads).reduce(0) { $0 + shares[$1 * width + cell] } / Float(heads)
      case .max: (0..<heads).map { shares[$0 * width + cell] }.max() ?? 0
      }
    }
  }
}

extension ImportanceSource {
  /// The prompt's rows whose attention counts.
  ///
  /// - Parameters:
  ///   - prompt: all rows of the question's prompt.
  ///   - question: those of the user's text among them, counted from the prompt's first.
  func rows(prompt: Range<Int>, question: Range<Int>) -> Range<Int> {
    switch self {
    case .question, .random:
      prompt.lowerBound + question.lowerBound..<prompt.lowerBound + question.upperBound
    case .lastToken: prompt.upperBound - 1..<prompt.upperBound
    }
  }
}

/// How much of the engine one prompt may take.
struct PromptLimits {
  /// Tokens of the model's context.
  var context: Int
  /// Key/value cells of the arena.
  var cells: Int
}
