/// The rows that are computed together, group by group.
public struct Step: Sendable, Equatable {
  public var slices: [StepSlice]

  public var rowCount: Int { slices.reduce(0) { $0 + $1.rows.count } }
}

/// One group's part of a step.
public struct StepSlice: Sendable, Equatable {
  public var group: Int
  /// Cells that the group's attention runs over: its range as far as it is used.
  public var span: Range<Int>
  public var rows: [StepRow]
}

public struct StepRow: Sendable, Equatable {
  public enum Content: Sendable, Equatable {
    case prefix(Int)
    case prompt(question: Int, index: Int)
    case branch(question: Int, index: Int)
    /// The token generated last for the question.
    case answer(question: Int)
  }

  public var content: Content
  /// Where the row's key and value go.
  public var cell: Int
  /// The row's place in its sequence, for rotary embedding.
  public var position: Int
  /// Cells the row attends to, its own included; ascending, disjoint.
  public var visible: [Range<Int>]
  public var wantsLogits: Bool
}
