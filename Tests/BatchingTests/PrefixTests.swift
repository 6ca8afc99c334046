import Testing

@testable import Batching

/// Prefixes that stay in their cells for later groups.
@Suite struct PrefixTests {
  private func plan(_ id: Int, prefix: Int?, rows: Int = 10, answerRows: Int = 4) -> GroupPlan {
    GroupPlan(
      id: id, prefixRows: rows, prefix: prefix,
      questions: [QuestionPlan(promptRows: 2, answerRows: answerRows)])
  }

  /// Runs until nothing is left, finishing each question at its first logits. Returns the steps.
  private func drain(_ scheduler: inout Scheduler) -> [Step] {
    var steps: [Step] = []
    while let step = scheduler.nextStep() {
      steps.append(step)
      for slice in step.slices {
        for row in slice.rows where row.wantsLogits {
          scheduler.finish(group: slice.group, question: row.content.question ?? 0)
        }
      }
    }
    return steps
  }

  private func prefixRows(_ steps: [Step]) -> Int {
    steps.flatMap(\.slices).flatMap(\.rows).count { $0.content.question == nil }
  }

  @Test func aLaterGroupFindsThePrefixInPlace() {
    var scheduler = Scheduler(cells: 100, stepRows: 64)
    scheduler.add(plan(0, prefix: 7))
    #expect(prefixRows(drain(&scheduler)) == 10)
    #expect(scheduler.isIdle && scheduler.cellsUsed == 10)
    scheduler.add(plan(1, prefix: 7, answerRows: 40))
    let steps = drain(&scheduler)
    #expect(prefixRows(steps) == 0)
    #expect(steps.first?.copies == [])
    #expect(steps.first?.slices[0].rows.map(\.cell) == [10, 11])
    #expect(steps.first?.slices[0].rows.map(\.position) == [10, 11])
    #expect(steps.first?.slices[0].rows.last?.visible == [0..<10, 10..<12])
  }

  @Test func aPrefixThatCannotGrowInPlaceIsCopied() {
    var scheduler = Scheduler(cells: 100, stepRows: 64)
    scheduler.add(plan(0, prefix: 1))
    scheduler.add(plan(1, prefix: 2))
    _ = drain(&scheduler)  // Prefixes in 0..<10 and 16..<26.
    scheduler.add(plan(2, prefix: 1, answerRows: 20))
    let steps = drain(&scheduler)
    #expect(steps.first?.copies == [CellCopy(source: 0..<10, target: 26)])
    #expect(prefixRows(steps) == 0)
    #expect(steps.first?.slices[0].rows.map(\.cell) == [36, 37])
    #expect(scheduler.cellsUsed == 20)
    #expect(scheduler.takeEvicted() == [])
  }

  @Test func theLeastRecentlyUsedPrefixesGoWhenCellsRunOut() {
    var scheduler = Scheduler(cells: 40, stepRows: 64)
    for prefix in 1...2 {
      scheduler.add(plan(prefix, prefix: prefix))
      _ = drain(&scheduler)
    }
    scheduler.add(plan(3, prefix: 1))
    #expect(prefixRows(drain(&scheduler)) == 0)  // Used again: 2 is older now.
    scheduler.add(plan(4, prefix: 3))
    #expect(prefixRows(drain(&scheduler)) == 10)
    #expect(scheduler.takeEvicted() == [2])
    #expect(scheduler.isInUse(1) && !scheduler.isInUse(2) && scheduler.isInUse(3))
  }

  /// Beside the running group there is no room, whatever is evicted.
  @Test func nothingIsEvictedForAGroupThatMustWaitAnyway() {
    var scheduler = Scheduler(cells: 40, stepRows: 64)
    scheduler.add(plan(0, prefix: 1))
    _ = drain(&scheduler)  // The prefix is kept in 0..<10.
    scheduler.add(plan(1, prefix: 2))
    _ = scheduler.nextStep()
    scheduler.add(plan(2, prefix: 1, answerRows: 18))
    let none = scheduler.nextStep()
    #expect(none == nil)
    #expect(scheduler.cellsUsed == 10 + 12)
    scheduler.finish(group: 1, question: 0)
    #expect(prefixRows(drain(&scheduler)) == 0)
    #expect(scheduler.takeEvicted() == [2])
  }

  @Test func groupsInFlightComputeAPrefixOnce() {
    var scheduler = Scheduler(cells: 200, stepRows: 4)
    for id in 0..<3 { scheduler.add(plan(id, prefix: 5)) }
    scheduler.add(plan(9, prefix: 6))
    let steps = drain(&scheduler)
    #expect(prefixRows(steps) == 20)
    // The group that need not wait passed those that do.
    #expect(Set(steps.prefix(4).flatMap(\.slices).map(\.group)) == [0, 9])
  }

  @Test func removedGroupsLeaveNoPrefixBehind() {
    var scheduler = Scheduler(cells: 40, stepRows: 4)
    scheduler.add(plan(0, prefix: 1))
    scheduler.add(plan(1, prefix: 1))
    _ = scheduler.nextStep()
    scheduler.remove(group: 0)  // Its prefix was not complete.
    #expect(scheduler.takeEvicted() == [])
    scheduler.remove(group: 1)
    #expect(scheduler.takeEvicted() == [1])
    #expect(scheduler.isIdle && scheduler.cellsUsed == 0)
  }

  @Test func aPrefixThatIsAskedForAgainIsNotForgotten() {
    var scheduler = Scheduler(cells: 40, stepRows: 4)
    scheduler.add(plan(0, prefix: 1))
    _ = scheduler.nextStep()
    scheduler.remove(group: 0)
    scheduler.add(plan(1, prefix: 1))
    #expect(scheduler.takeEvicted() == [])
    scheduler.remove(group: 1)
    #expect(scheduler.takeEvicted() == [1])
  }

  @Test func selectingPromptsComeWholeEvenWhenTheyExceedTheStep() {
    var scheduler = Scheduler(cells: 200, stepRows: 8)
    let questions = [
      QuestionPlan(promptRows: 5, selects: true, ownPrefixRows: 12, answerRows: 4),
      QuestionPlan(promptRows: 5, selects: true, ownPrefixRows: 12, answerRows: 4),
    ]
    scheduler.add(GroupPlan(id: 0, prefixRows: 10, questions: questions))
    var selected: [[Int]] = []
    while let step = scheduler.nextStep() {
      let slice = step.slices[0]
      selected.append(slice.selections.map(\.question))
      for selection in slice.selections {
        #expect(selection.rows.count == 5 && selection.cells.count == 12)
        #expect(
          slice.rows[selection.rows].map(\.content)
            == (0..<5).map { .prompt(question: selection.question, index: $0) })
        #expect(slice.rows[selection.rows.upperBound - 1].wantsLogits)
        #expect(selection.cells.allSatisfy(slice.upperSpan.contains))
      }
    }
    // The prefix takes two steps, each question one of its own.
    #expect(selected == [[], [], [0], [1]])
  }
}

@Suite struct UpperRowTests {
  private func slice(own: Bool) -> StepSlice {
    var scheduler = Scheduler(cells: 100, stepRows: 64)
    scheduler.add(
      GroupPlan(
        id: 0, prefixRows: 6,
        questions: [
          QuestionPlan(promptRows: 2, selects: true, ownPrefixRows: own ? 4 : 0, answerRows: 2)
        ]))
    return scheduler.nextStep()?.slices.first ?? StepSlice(group: 0, span: 0..<0, ownStart: 0, rows: [])
  }

  @Test func aSharedPrefixIsSeenThroughItsKeptRows() {
    let slice = slice(own: false)
    let kept = KeptRows(rows: [0, 1, 4], prefixStart: slice.span.lowerBound, cells: nil)
    let upper = slice.upperRows { _ in kept }
    #expect(upper.count == 8 && slice.upperSpan == slice.span)
    #expect(upper[3].visible == [0..<4])  // The prefix sees itself whole.
    #expect(upper[7].visible == [0..<2, 4..<5, 6..<8])
    #expect(upper.map(\.source) == (0..<8).map { .lower($0) })
  }

  @Test func aQuestionsOwnPrefixRowsComeBeforeItsPrompt() {
    let slice = slice(own: true)
    // Fewer are kept than there was room for.
    let kept = KeptRows(
      rows: [0, 1, 4], prefixStart: slice.span.lowerBound, cells: slice.selections[0].cells)
    let upper = slice.upperRows { _ in kept }
    #expect(upper.map(\.source) == [.prefix(0), .prefix(1), .prefix(4), .lower(6), .lower(7)])
    #expect(upper.map(\.position) == [0, 1, 4, 6, 7])
    #expect(upper.map(\.cell) == [6, 7, 8, 10, 11])
    #expect(upper[2].visible == [6..<9])
    #expect(upper[4].visible == [6..<9, 10..<12])
    #expect(slice.upperSpan == 6..<12)
  }
}
