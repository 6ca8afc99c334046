/// The rows that are computed together, group by group.
public struct Step: Sendable, Equatable {
  /// Cells to be copied before the step, in order: prefixes that were kept elsewhere.
  public var copies: [CellCopy]
  public var slices: [StepSlice]

  public init(copies: [CellCopy] = [], slices: [StepSlice]) {
    self.copies = copies
    self.slices = slices
  }

  public var rowCount: Int { slices.reduce(0) { $0 + $1.rows.count } }
}

/// Copies the cells of `source` to those from `target` on, in every layer.
public struct CellCopy: Sendable, Equatable {
  public var source: Range<Int>
  public var target: Int
}

/// One group's part of a step.
public struct StepSlice: Sendable, Equatable {
  public var group: Int
  /// Cells that the group's attention runs over: its range as far as it is used.
  public var span: Range<Int>
  /// Where in the span the questions' own cells begin.
  public var ownStart: Int
  /// Whether the prefix's rows go through all layers for the group; else each question computes its own above the
  /// selection layer.
  public var sharesAllLayers: Bool
  public var rows: [StepRow]
  /// Questions whose whole prompts are among the rows and decide now what they keep of the prefix.
  public var selections: [StepSelection]

  public init(
    group: Int, span: Range<Int>, ownStart: Int, sharesAllLayers: Bool = true, rows: [StepRow],
    selections: [StepSelection] = []
  ) {
    self.group = group
    self.span = span
    self.ownStart = ownStart
    self.sharesAllLayers = sharesAllLayers
    self.rows = rows
    self.selections = selections
  }
}

extension StepSlice {
  /// Whether the last of a prefix's `count` rows is among the slice's.
  public func endsPrefix(of count: Int) -> Bool { rows.contains { $0.content == .prefix(count - 1) } }
}

/// A question that selects in this step.
public struct StepSelection: Sendable, Equatable {
  public var question: Int
  /// Its prompt's rows among the slice's.
  public var rows: Range<Int>
  /// Cells for the prefix rows that it computes again, as many as it may keep; empty where it reads the group's.
  public var cells: [Int]
}

public struct StepRow: Sendable, Equatable {
  public enum Content: Sendable, Equatable {
    case prefix(Int)
    case prompt(question: Int, index: Int)
    case branch(question: Int, index: Int)
    /// The token generated last for the question.
    case answer(question: Int)

    /// nil for the prefix.
    public var question: Int? {
      switch self {
      case .prefix: nil
      case .prompt(let question, _), .branch(let question, _), .answer(let question): question
      }
    }
  }

  public var content: Content
  /// Where the row's key and value go.
  public var cell: Int
  /// The row's place in its sequence, for rotary embedding.
  public var position: Int
  /// Cells of the prefix that the row attends to.
  public var prefix: Range<Int>
  /// Cells after the prefix that the row attends to, its own included; ascending, disjoint.
  public var own: [Range<Int>]
  public var wantsLogits: Bool

  /// All cells the row attends to.
  public var visible: [Range<Int>] { prefix.isEmpty ? own : [prefix] + own }
}
