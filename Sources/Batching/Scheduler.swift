/// Decides which rows run in the next step and which key/value cells they own.
///
/// Pure: plans go in, steps come out, and the caller says for each row with logits whether its question goes on.
/// Every question that goes on has a row in every step, so no answer waits for another's prefill; the rest of
/// the row budget is prefilled in the order groups came, so no group starves. A finished group's prefix stays in its
/// cells until others need them.
public struct Scheduler: Sendable {
  /// Rows in a step at most; a step with more active questions than this, or with a longer prompt that must come
  /// whole, is that much longer.
  public let stepRows: Int
  /// Groups in flight at most: each is a slice of every step, and adds to what is built for it.
  public let mostGroups: Int
  private var ranges: CellRanges
  private var waiting: [GroupPlan] = []
  private var groups: [GroupProgress] = []
  private var kept = KeptPrefixes()
  private var copies: [CellCopy] = []
  private var evicted: [Int] = []

  public init(cells: Int, stepRows: Int, mostGroups: Int = .max) {
    ranges = CellRanges(capacity: cells)
    self.stepRows = max(1, stepRows)
    self.mostGroups = max(1, mostGroups)
  }

  public var cells: Int { ranges.capacity }
  /// Cells of groups in flight and of kept prefixes.
  public var cellsUsed: Int { groups.reduce(0) { $0 + $1.span.count } + kept.cells }
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
    var selections = groups.map { _ in [StepSelection]() }
    for index in groups.indices { rows[index] = groups[index].answerRows() }
    var budget = stepRows - rows.reduce(0) { $0 + $1.count }
    var isFirst = true
    for index in groups.indices where budget > 0 || isFirst {
      let prefill = groups[index].prefill(limit: budget, isFirst: isFirst)
      guard prefill.cost > 0 else { continue }
      isFirst = false
      budget -= prefill.cost
      let answers = rows[index].count
      rows[index] += prefill.rows
      selections[index] = prefill.selections.map { selection in
        var selection = selection
        selection.rows = selection.rows.lowerBound + answers..<selection.rows.upperBound + answers
        return selection
      }
    }
    let slices = groups.indices.compactMap { index in
      rows[index].isEmpty ? nil : groups[index].slice(rows[index], selections[index])
    }
    guard !slices.isEmpty else { return nil }
    defer { copies = [] }
    return Step(copies: copies, slices: slices)
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
    release(groups.remove(at: index))
    return true
  }

  /// Forgets a group, wherever it stands.
  public mutating func remove(group: Int) {
    for plan in waiting where plan.id == group { forgetIfUnused(plan.prefix, without: group) }
    waiting.removeAll { $0.id == group }
    for progress in groups where progress.plan.id == group { release(progress) }
    groups.removeAll { $0.plan.id == group }
  }

  /// Whether groups use the prefix or its cells are kept.
  public func isInUse(_ prefix: Int) -> Bool {
    kept.cells(of: prefix) != nil || groups.contains { $0.plan.prefix == prefix }
      || waiting.contains { $0.prefix == prefix }
  }

  /// Prefixes that are neither kept nor in use any more, since the last call.
  public mutating func takeEvicted() -> [Int] {
    defer { evicted = [] }
    // A group that came meanwhile may have asked for one of them again.
    return evicted.filter { !isInUse($0) }
  }

  // MARK: Cells

  /// Admits waiting groups in order while cells and places last: whole ones, or as much as there is for one that is
  /// alone. A group whose prefix another is just computing waits for it, and lets others pass.
  private mutating func admitGroups() {
    var index = 0
    while index < waiting.count, groups.count < mostGroups {
      let plan = waiting[index]
      if isBeingComputed(plan.prefix) {
        index += 1
        continue
      }
      guard let admitted = admit(plan) else { return }
      groups.append(admitted)
      waiting.remove(at: index)
    }
  }

  private func isBeingComputed(_ prefix: Int?) -> Bool {
    prefix != nil && groups.contains { $0.plan.prefix == prefix && $0.prefixScheduled < $0.plan.prefixRows }
  }

  private mutating func admit(_ plan: GroupPlan) -> GroupProgress? {
    if let prefix = plan.prefix, let cells = kept.cells(of: prefix),
      ranges.extend(cells, by: plan.cells - plan.prefixRows)
    {
      _ = kept.take(prefix)
      return GroupProgress(
        plan: plan, range: cells.lowerBound..<cells.lowerBound + plan.cells, prefixIsReady: true)
    }
    guard let range = allocate(plan) else { return nil }
    guard let prefix = plan.prefix, let source = takePrefixCells(of: prefix) else {
      return GroupProgress(plan: plan, range: range)
    }
    copies.append(CellCopy(source: source, target: range.lowerBound))
    return GroupProgress(plan: plan, range: range, prefixIsReady: true)
  }

  /// Where the prefix lies ready: in a kept range, which is free from now on as copies come before all else, or in a
  /// group in flight.
  private mutating func takePrefixCells(of prefix: Int) -> Range<Int>? {
    if let cells = kept.take(prefix) {
      ranges.release(cells)
      return cells
    }
    return groups.first { $0.plan.prefix == prefix }?.prefixRange
  }

  private mutating func allocate(_ plan: GroupPlan) -> Range<Int>? {
    while true {
      if let range = ranges.allocate(plan.cells) { return range }
      // Where even all kept cells would not do, it waits for others to finish, and nothing is evicted in vain.
      if !groups.isEmpty, largestWithoutKept < plan.cells { return nil }
      // The wanted prefix goes last: it is worth its cells even to a group that must be cut short.
      guard let (prefix, cells) = kept.evict(sparing: plan.prefix) ?? kept.evict(sparing: nil) else { break }
      ranges.release(cells)
      forgetIfUnused(prefix, sparing: plan.prefix)
    }
    guard groups.isEmpty, ranges.largestFree >= plan.leastCells else { return nil }
    return ranges.allocate(ranges.largestFree)
  }

  /// The longest range that there would be with no prefix kept.
  private var largestWithoutKept: Int {
    var trial = ranges
    for cells in kept.ranges { trial.release(cells) }
    return trial.largestFree
  }

  /// Keeps a complete prefix, frees the rest.
  private mutating func release(_ group: GroupProgress) {
    guard let prefix = group.plan.prefix, group.prefixScheduled == group.plan.prefixRows,
      kept.cells(of: prefix) == nil
    else {
      ranges.release(group.range)
      forgetIfUnused(group.plan.prefix, without: group.plan.id)
      return
    }
    ranges.release(group.prefixRange.upperBound..<group.range.upperBound)
    kept.keep(prefix, group.prefixRange)
  }

  private mutating func forgetIfUnused(_ prefix: Int?, sparing wanted: Int? = nil, without group: Int? = nil)
  {
    guard let prefix, prefix != wanted, kept.cells(of: prefix) == nil,
      !groups.contains(where: { $0.plan.prefix == prefix && $0.plan.id != group }),
      !waiting.contains(where: { $0.prefix == prefix && $0.id != group })
    else { return }
    evicted.append(prefix)
  }
}
