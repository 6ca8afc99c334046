import Testing

@testable import Batching

@Suite struct SchedulerTests {
  private func plan(_ id: Int, prefix: Int, questions: [QuestionPlan]) -> GroupPlan {
    GroupPlan(id: id, prefixRows: prefix, questions: questions)
  }

  private func contents(_ step: Step?) -> [StepRow.Content] {
    step?.slices.flatMap(\.rows).map(\.content) ?? []
  }

  @Test func thePrefixIsComputedOnceAndQuestionsFollowTogether() {
    var scheduler = Scheduler(cells: 100, stepRows: 16)
    scheduler.add(
      plan(
        7, prefix: 4,
        questions: [
          QuestionPlan(promptRows: 2, answerRows: 1), QuestionPlan(promptRows: 1, answerRows: 1),
        ]))
    let step = scheduler.nextStep()
    #expect(
      contents(step) == [
        .prefix(0), .prefix(1), .prefix(2), .prefix(3), .prompt(question: 0, index: 0),
        .prompt(question: 0, index: 1), .prompt(question: 1, index: 0),
      ])
    let rows = step?.slices[0].rows ?? []
    #expect(rows.map(\.position) == [0, 1, 2, 3, 4, 5, 4])
    #expect(rows.map(\.cell) == Array(0..<7))
    // A question sees the prefix and itself, never its sibling.
    #expect(rows[5].visible == [0..<4, 4..<6])
    #expect(rows[6].visible == [0..<4, 6..<7])
    #expect(rows.map(\.wantsLogits) == [false, false, false, false, false, true, true])

    let none = scheduler.nextStep()
    #expect(none == nil)  // The caller has the logits and has not chosen.
    scheduler.goOn(group: 7, question: 1)
    let answer = scheduler.nextStep()
    #expect(contents(answer) == [.answer(question: 1)])
    #expect(answer?.slices[0].rows[0].visible == [0..<4, 6..<8])
    #expect(answer?.slices[0].rows[0].position == 5)
    let ended = [scheduler.finish(group: 7, question: 1), scheduler.finish(group: 7, question: 0)]
    #expect(ended == [false, true])
    #expect(scheduler.isIdle)
  }

  @Test func longPrefixesAreCutToTheRowBudgetWhileAnswersGoOn() {
    var scheduler = Scheduler(cells: 1000, stepRows: 8)
    scheduler.add(plan(1, prefix: 0, questions: [QuestionPlan(promptRows: 1, answerRows: 20)]))
    _ = scheduler.nextStep()
    scheduler.add(plan(2, prefix: 20, questions: [QuestionPlan(promptRows: 3, answerRows: 1)]))
    var seen: [[StepRow.Content]] = []
    for _ in 0..<4 {
      scheduler.goOn(group: 1, question: 0)
      seen.append(contents(scheduler.nextStep()))
    }
    // Every step carries the running answer; the newcomer's 23 rows come 7 at a time.
    #expect(seen.allSatisfy { $0.first == .answer(question: 0) })
    #expect(seen.map(\.count) == [8, 8, 8, 3])
  }

  @Test func branchesSeeTheirAncestorsOnly() {
    var scheduler = Scheduler(cells: 100, stepRows: 100)
    // A tree of three: 0 and 1 under the prompt, 2 under 0.
    scheduler.add(
      plan(0, prefix: 2, questions: [QuestionPlan(promptRows: 1, branchParents: [-1, -1, 0], answerRows: 0)]))
    let rows = scheduler.nextStep()?.slices[0].rows ?? []
    #expect(rows.suffix(3).map(\.position) == [3, 3, 4])
    #expect(
      rows.suffix(3).map(\.visible) == [
        [0..<2, 2..<3, 3..<4], [0..<2, 2..<3, 4..<5], [0..<2, 2..<3, 3..<4, 5..<6],
      ])
    #expect(rows.suffix(4).map(\.wantsLogits) == [true, true, true, true])
  }

  @Test func onlyBranchesThatDecideWantLogits() {
    var scheduler = Scheduler(cells: 100, stepRows: 100)
    scheduler.add(
      plan(
        0, prefix: 0,
        questions: [
          QuestionPlan(promptRows: 1, branchParents: [-1, 0, 1], decidingBranches: [2], answerRows: 0)
        ]))
    let rows = scheduler.nextStep()?.slices[0].rows ?? []
    #expect(rows.map(\.wantsLogits) == [true, false, false, true])
  }

  @Test func groupsBeyondTheMostWaitForOthersToFinish() {
    var scheduler = Scheduler(cells: 1000, stepRows: 64, mostGroups: 2)
    for id in 0..<4 {
      scheduler.add(plan(id, prefix: 2, questions: [QuestionPlan(promptRows: 1, answerRows: 1)]))
    }
    let first = scheduler.nextStep()
    #expect(first?.slices.map(\.group) == [0, 1])
    scheduler.finish(group: 0, question: 0)
    scheduler.goOn(group: 1, question: 0)
    let second = scheduler.nextStep()
    #expect(second?.slices.map(\.group) == [1, 2])
    scheduler.remove(group: 1)
    scheduler.finish(group: 2, question: 0)
    let third = scheduler.nextStep()
    #expect(third?.slices.map(\.group) == [3])
  }

  @Test func questionsWaitWhenTheArenaIsSmallAndStillAllRun() {
    var scheduler = Scheduler(cells: 20, stepRows: 64)
    let questions = (0..<5).map { _ in QuestionPlan(promptRows: 2, answerRows: 4) }
    scheduler.add(plan(0, prefix: 6, questions: questions))
    scheduler.add(plan(1, prefix: 6, questions: questions))
    var answered: [String] = []
    var steps = 0
    while let step = scheduler.nextStep() {
      steps += 1
      #expect(step.slices.allSatisfy { $0.span.upperBound <= 20 })
      for slice in step.slices {
        for row in slice.rows where row.wantsLogits {
          guard case .prompt(let question, _) = row.content else { continue }
          answered.append("\(slice.group).\(question)")
          scheduler.finish(group: slice.group, question: question)
        }
      }
    }
    #expect(answered.sorted() == (0..<2).flatMap { group in (0..<5).map { "\(group).\($0)" } })
    #expect(scheduler.isIdle)
    #expect(scheduler.cellsUsed == 0)
  }

  @Test func removingAGroupFreesItsCellsWhereverItStands() {
    var scheduler = Scheduler(cells: 10, stepRows: 4)
    scheduler.add(plan(0, prefix: 8, questions: [QuestionPlan(promptRows: 1, answerRows: 1)]))
    scheduler.add(plan(1, prefix: 8, questions: [QuestionPlan(promptRows: 1, answerRows: 1)]))
    _ = scheduler.nextStep()
    scheduler.remove(group: 0)
    let second = scheduler.nextStep()
    #expect(second?.slices.map(\.group) == [1])
    scheduler.remove(group: 1)
    #expect(scheduler.isIdle)
  }

  /// Random plans, random endings: cells are never shared, and every question comes to its end.
  @Test(arguments: 0..<20) func oddOrdersKeepCellsApart(_: Int) {
    var scheduler = Scheduler(cells: 200, stepRows: .random(in: 1...40))
    var open: Set<String> = []
    for id in 0..<10 {
      let questions = (0..<Int.random(in: 1...5)).map { _ in
        QuestionPlan(promptRows: .random(in: 1...6), answerRows: .random(in: 1...8))
      }
      for index in questions.indices { open.insert("\(id).\(index)") }
      scheduler.add(plan(id, prefix: .random(in: 0...40), questions: questions))
    }
    var owner: [Int: String] = [:]
    var left: [String: Int] = [:]
    while let step = scheduler.nextStep() {
      for slice in step.slices {
        for row in slice.rows {
          #expect(slice.span.contains(row.cell))
          #expect(row.visible.last?.last == row.cell)
          var name = "\(slice.group).prefix"
          var question: Int?
          switch row.content {
          case .prefix: break
          case .prompt(let index, _), .branch(let index, _), .answer(let index):
            question = index
            name = "\(slice.group).\(index)"
          }
          #expect(owner[row.cell] == nil)
          owner[row.cell] = name
          guard row.wantsLogits, let question else { continue }
          left[name] = (left[name] ?? .random(in: 0...2)) - 1
          if left[name] ?? 0 >= 0, case .prompt = row.content {
            scheduler.goOn(group: slice.group, question: question)
          } else {
            open.remove(name)
            owner = owner.filter { $0.value != name }
            if scheduler.finish(group: slice.group, question: question) {
              owner = owner.filter { !$0.value.hasPrefix("\(slice.group).") }
            }
          }
        }
      }
    }
    #expect(open.isEmpty)
    #expect(scheduler.isIdle)
  }
}
