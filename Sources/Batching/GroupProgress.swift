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

  /// - Parameter prefixIsReady: whether the prefix's cells hold it already.
  init(plan: GroupPlan, range: Range<Int>, prefixIsReady: Bool = false) {
    self.plan = plan
    self.range = range
    prefixScheduled = prefixIsReady ? plan.prefixRows : 0
    questions = plan.questions.map(QuestionProgress.init)
    used = Array(repeating: false, count: range.count - plan.prefixRows)
  }

  var isFinished: Bool { questions.allSatisfy { $0.phase == .finished } }

  var prefixRange: Range<Int> { range.lowerBound..<privateStart }

  private var privateStart: Int { range.lowerBound + plan.prefixRows }

  /// The group's part of a step.
  func slice(_ rows: [StepRow], _ selections: [StepSelection]) -> StepSlice {
    StepSlice(
      group: plan.id, span: span, ownStart: privateStart, sharesAllLayers: plan.sharesAllLayers, rows: rows,
      selections: selections)
  }

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
        content: .answer(question: index), cell: cell, position: position, prefix: prefixRange,
        own: questions[index].ranges, wantsLogits: true)
    }
  }

  /// Up to `limit` rows of the prefix and then of the questions' prompts. A prompt that must come whole may be
  /// longer than that where `isFirst`, so that it comes at all.
  mutating func prefill(limit: Int, isFirst: Bool) -> Prefill {
    var prefill = Prefill()
    while prefill.cost < limit, prefixScheduled < plan.prefixRows {
      let cell = range.lowerBound + prefixScheduled
      prefill.rows.append(
        StepRow(
          content: .prefix(prefixScheduled), cell: cell, position: prefixScheduled,
          prefix: range.lowerBound..<cell + 1, own: [], wantsLogits: false))
      prefixScheduled += 1
    }
    guard prefixScheduled == plan.prefixRows else { return prefill }
    admitQuestions()
    for index in questions.indices where questions[index].phase == .prefilling {
      if questions[index].scheduled == 0, questions[index].plan.selects {
        let cost = questions[index].plan.rowsTogether
        guard prefill.cost + cost <= limit || (isFirst && prefill.cost == 0) else { break }
        prefill.selections.append(selection(of: index, after: &prefill))
      }
      while prefill.cost < limit, questions[index].remainingPrefill > 0 {
        prefill.rows.append(promptRow(index))
      }
      if questions[index].remainingPrefill == 0 { questions[index].phase = .choosing }
    }
    return prefill
  }

  /// Rows of prefixes and prompts for one step.
  struct Prefill {
    var rows: [StepRow] = []
    var selections: [StepSelection] = []
    /// Rows that are computed: those of questions that compute prefix rows again count them too.
    var cost: Int { rows.count + selections.reduce(0) { $0 + $1.cells.count } }
  }

  /// Schedules the question's whole prompt.
  private mutating func selection(of index: Int, after prefill: inout Prefill) -> StepSelection {
    let plan = questions[index].plan
    for _ in 0..<plan.ownPrefixRows { questions[index].prefixCells.append(takeCell()) }
    let first = prefill.rows.count
    for _ in 0..<plan.promptRows { prefill.rows.append(promptRow(index)) }
    return StepSelection(
      question: index, rows: first..<prefill.rows.count, cells: questions[index].prefixCells)
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
        prefix: prefixRange, own: questions[index].visibleToBranch(branch),
        wantsLogits: questions[index].plan.decidingBranches.contains(branch))
    }
    questions[index].append(cell)
    return StepRow(
      content: .prompt(question: index, index: row), cell: cell, position: plan.prefixRows + row,
      prefix: prefixRange, own: questions[index].ranges, wantsLogits: row == prompt - 1)
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
