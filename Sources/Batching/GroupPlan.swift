/// What an image group will ask of the scheduler.
public struct GroupPlan: Sendable, Equatable {
  public var id: Int
  /// Rows of the shared prefix: system text and image.
  public var prefixRows: Int
  /// Names the prefix, so that it is kept for later groups; nil for one that nobody will ask for again.
  public var prefix: Int?
  public var questions: [QuestionPlan]

  public init(id: Int, prefixRows: Int, prefix: Int? = nil, questions: [QuestionPlan]) {
    self.id = id
    self.prefixRows = prefixRows
    self.prefix = prefix
    self.questions = questions
  }

  /// Whether all questions read the group's prefix in every layer.
  public var sharesAllLayers: Bool { questions.allSatisfy { $0.ownPrefixRows == 0 } }
  /// Cells that let every question run at once.
  public var cells: Int { prefixRows + questions.reduce(0) { $0 + $1.cells } }
  /// Cells that let the largest question run.
  public var leastCells: Int { prefixRows + (questions.map(\.cells).max() ?? 0) }
}

public struct QuestionPlan: Sendable, Equatable {
  /// Rows of the question's own prompt, at least 1.
  public var promptRows: Int
  /// Whether the question selects among the prefix's rows: then its whole prompt comes in one step, as all its
  /// rows decide together what is kept.
  public var selects: Bool
  /// Rows of the prefix that the question computes again for itself above the selection layer, at most. 0 where it
  /// reads the group's.
  public var ownPrefixRows: Int
  /// Rows tried side by side after the prompt, a tree: each one's parent among them, -1 for the last prompt row.
  public var branchParents: [Int]
  /// The branches whose logits are wanted; the others are there for those below them to attend to.
  public var decidingBranches: Set<Int>
  /// At most this many generated tokens are fed back.
  public var answerRows: Int

  /// - Parameter decidingBranches: nil where all decide.
  public init(
    promptRows: Int, selects: Bool = false, ownPrefixRows: Int = 0, branchParents: [Int] = [],
    decidingBranches: Set<Int>? = nil, answerRows: Int
  ) {
    self.promptRows = promptRows
    self.selects = selects
    self.ownPrefixRows = ownPrefixRows
    self.branchParents = branchParents
    self.decidingBranches = decidingBranches ?? Set(branchParents.indices)
    self.answerRows = answerRows
  }

  public var cells: Int { ownPrefixRows + promptRows + branchParents.count + answerRows }

  /// Rows of the step in which the prompt is computed, where it must come whole.
  var rowsTogether: Int { selects ? promptRows + ownPrefixRows : 1 }
}
