/// Decides which rows run in the next step and which key/value cells they own.
///
/// Pure: plans go in, steps come out, and the caller says for each row with logits whether its question goes on.
/// Every question that goes on has a row in every step, so no answer waits for another's prefill; the rest of
/// the row budget is prefilled in the order groups came, so no group starves.
public struct Scheduler: Sendable {
  /// Rows in a step at most; a step with more active questions than this is that much longer.
  public let stepRows: Int
  private var ranges: CellRanges
  private var waiting: [GroupPlan] = []
  private var groups: [GroupProgress] = []

  public init(cells: Int, stepRows: Int) {
    ranges = CellRanges(capacity: cells)
    self.stepRows = max(1, stepRows)
  }

  public var cells: Int { ranges.capacity }
  public var cellsUsed: Int { groups.reduce(0) { $0 + $1.span.count } }
  public var isIdle: Bool { waiting.isEmpty && groups.isEmpty }

  /// Queues a group. Its `leastCells` must not exceed `cells`.
  public mutating func add(_ plan: GroupPlan) {
    precondition(plan.leastCells <= cells, "the group can never run")
    waiting.append(plan)
  }

  /// The next step; nil when nothing can run before a question goes on or finishes.
  public mutating func nextStep() -> Step? {
    admitGroups()
    var rows = groups.map { _ in [StepRow]() }
    for index in groups.indices { rows[index] = groups[index].answerRows() }
    var budget = stepRows - rows.reduce(0) { $0 + $1.count }
    for index in groups.indices where budget > 0 {
      let prefill = groups[index].prefillRows(limit: budget)
      budget -= prefill.count
      rows[index] += prefill
    }
    let slices = groups.indices.compactMap { index in
      rows[index].isEmpty
        ? nil : StepSlice(group: groups[index].plan.id, span: groups[index].span, rows: rows[index])
    }
    return slices.isEmpty ? nil : Step(slices: slices)
  }

  /// The question's next token was chosen and is to be fed back.
  public mutating func goOn(group: Int, question: Int) {
    guard let index = groups.firstIndex(where: { $0.plan.id == group }) else { return }
    groups[index].questions[question].phase = .continuing
  }

  /// The question is answered or abandoned; its cells are free. Returns whether that finished its group.
  @discardableResult
  public mutating func finish(group: Int, question: Int) -> Bool {
    guard let index = groups.firstIndex(where: { $0.plan.id == group }) else { return false }
    groups[index].finish(question)
    guard groups[index].isFinished else { return false }
    ranges.release(groups[index].range)
    groups.remove(at: index)
    return true
  }

  /// Forgets a group, wherever it stands.
  public mutating func remove(group: Int) {
    waiting.removeAll { $0.id == group }
    for progress in groups where progress.plan.id == group { ranges.release(progress.range) }
    groups.removeAll { $0.plan.id == group }
  }

  /// Admits waiting groups in order while cells last: whole ones, or as much as there is for one that is alone.
  private mutating func admitGroups() {
    while let plan = waiting.first {
      let wanted = plan.cells <= ranges.largestFree ? plan.cells : groups.isEmpty ? ranges.largestFree : 0
      guard wanted >= plan.leastCells, let range = ranges.allocate(wanted) else { return }
      groups.append(GroupProgress(plan: plan, range: range))
      waiting.removeFirst()
    }
  }
}
