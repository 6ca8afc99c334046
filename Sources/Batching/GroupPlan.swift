/// What an image group will ask of the scheduler.
public struct GroupPlan: Sendable, Equatable {
  public var id: Int
  /// Rows of the shared prefix: system text and image.
  public var prefixRows: Int
  public var questions: [QuestionPlan]

  public init(id: Int, prefixRows: Int, questions: [QuestionPlan]) {
    self.id = id
    self.prefixRows = prefixRows
    self.questions = questions
  }

  /// Cells that let every question run at once.
  public var cells: Int { prefixRows + questions.reduce(0) { $0 + $1.cells } }
  /// Cells that let the largest question run.
  public var leastCells: Int { prefixRows + (questions.map(\.cells).max() ?? 0) }
}

public struct QuestionPlan: Sendable, Equatable {
  /// Rows of the question's own prompt, at least 1.
  public var promptRows: Int
  /// Rows tried side by side after the prompt, a tree: each one's parent among them, -1 for the last prompt row.
  public var branchParents: [Int]
  /// At most this many generated tokens are fed back.
  public var answerRows: Int

  public init(promptRows: Int, branchParents: [Int] = [], answerRows: Int) {
    self.promptRows = promptRows
    self.branchParents = branchParents
    self.answerRows = answerRows
  }

  public var cells: Int { promptRows + branchParents.count + answerRows }
}
