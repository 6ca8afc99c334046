/// An admitted group: its range of cells, and how far its prefix and questions have come.
struct GroupProgress {
  let plan: GroupPlan
  let range: Range<Int>
  var prefixScheduled = 0
  var questions: [QuestionProgress]
  /// Cells of `range` after the prefix that hold something; index 0 is the first after the prefix.
  private var used: [Bool]
  private var reserved = 0
  private var firstFree = 0

  init(plan: GroupPlan, range: Range<Int>) {
    self.plan = plan
    self.range = range
    questions = plan.questions.map(QuestionProgress.init)
    used = Array(repeating: false, count: range.count - plan.prefixRows)
  }

  var isFinished: Bool { questions.allSatisfy { $0.phase == .finished } }

  private var privateStart: Int { range.lowerBound + plan.prefixRows }

  /// The cells in use, from the range's start.
  var span: Range<Int> {
    let last = used.lastIndex(of: true).map { privateStart + $0 + 1 }
    return range.lowerBound..<(last ?? range.lowerBound + prefixScheduled)
  }

  /// Lets waiting questions begin, in order, while their cells fit.
  mutating func admitQuestions() {
    for index in questions.indices where questions[index].phase == .waiting {
      guard reserved + questions[index].plan.cells <= used.count else { return }
      reserved += questions[index].plan.cells
      questions[index].phase = .prefilling
    }
  }

  mutating func finish(_ question: Int) {
    guard questions[question].phase != .finished else { return }
    if questions[question].phase != .waiting { reserved -= questions[question].plan.cells }
    for cell in questions[question].cells {
      used[cell - privateStart] = false
      firstFree = min(firstFree, cell - privateStart)
    }
    questions[question].phase = .finished
  }

  /// The next generated token's row of every question that goes on.
  mutating func answerRows() -> [StepRow] {
    questions.indices.compactMap { index in
      guard questions[index].phase == .continuing else { return nil }
      let position = plan.prefixRows + questions[index].chainRows
      let cell = takeCell()
      questions[index].append(cell)
      questions[index].phase = .choosing
      return StepRow(
        content: .answer(question: index), cell: cell, position: position,
        visible: prefixCells + questions[index].ranges, wantsLogits: true)
    }
  }

  /// Up to `limit` rows of the prefix and then of the questions' prompts.
  mutating func prefillRows(limit: Int) -> [StepRow] {
    var rows: [StepRow] = []
    while rows.count < limit, prefixScheduled < plan.prefixRows {
      let cell = range.lowerBound + prefixScheduled
      rows.append(
        StepRow(
          content: .prefix(prefixScheduled), cell: cell, position: prefixScheduled,
          visible: [range.lowerBound..<cell + 1], wantsLogits: false))
      prefixScheduled += 1
    }
    guard prefixScheduled == plan.prefixRows else { return rows }
    admitQuestions()
    for index in questions.indices where questions[index].phase == .prefilling {
      while rows.count < limit, questions[index].remainingPrefill > 0 { rows.append(promptRow(index)) }
      if questions[index].remainingPrefill == 0 { questions[index].phase = .choosing }
    }
    return rows
  }

  private mutating func promptRow(_ index: Int) -> StepRow {
    let row = questions[index].scheduled
    let prompt = questions[index].plan.promptRows
    let cell = takeCell()
    questions[index].scheduled += 1
    guard row < prompt else {
      let branch = row - prompt
      questions[index].branchCells.append(cell)
      return StepRow(
        content: .branch(question: index, index: branch), cell: cell,
        position: plan.prefixRows + prompt - 1 + questions[index].depth(ofBranch: branch),
        visible: prefixCells + questions[index].visibleToBranch(branch), wantsLogits: true)
    }
    questions[index].append(cell)
    return StepRow(
      content: .prompt(question: index, index: row), cell: cell, position: plan.prefixRows + row,
      visible: prefixCells + questions[index].ranges, wantsLogits: row == prompt - 1)
  }

  private var prefixCells: [Range<Int>] {
    plan.prefixRows > 0 ? [range.lowerBound..<range.lowerBound + plan.prefixRows] : []
  }

  /// The lowest free cell, so that the span stays short. Questions run only with their cells reserved, so there
  /// is one.
  private mutating func takeCell() -> Int {
    while firstFree < used.count, used[firstFree] { firstFree += 1 }
    precondition(firstFree < used.count, "a question ran without its cells reserved")
    used[firstFree] = true
    return privateStart + firstFree
  }
}
