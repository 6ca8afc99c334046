import Adversary
import Foundation
import Testing

extension EndToEnd {
  /// Workers that are brought to an end, or to a halt, by jobs, signals and each other.
  @Suite(.timeLimit(.minutes(4))) struct WorkerFaultTests {
    /// A job that kills whoever works on it takes none of its neighbours along.
    @Test func aJobThatKillsItsWorkersBecomesADeadLetter() async throws {
      let kafka = try await KafkaFolder(jobs: 24)
      let collection = try kafka.collector()
      var deaths = 0
      while deaths < 6 {
        let worker = try kafka.worker("one", failpoints: "answer/7=kill", ["--max-attempts", "2"])
        if await worker.happens({ _ in kafka.folder.lineCount("out.jsonl") == 47 }) {
          worker.send(SIGTERM)
          #expect(await worker.end().status == 0)
          break
        }
        #expect(await worker.end().signal == SIGKILL)
        deaths += 1
      }
      #expect(deaths == 2)
      #expect(await collection.end().status == 1)
      let lines = try kafka.folder.results("out.jsonl")
      #expect(lines.filter { $0.reason == "attempts_exhausted" }.map(\.question) == ["7/?"])
      #expect(
        lines.filter { $0.reason == nil }.map(\.question).sorted()
          == kafka.questions.filter { !$0.hasPrefix("7/") })
    }

    /// Stopped like a machine that hangs, replaced, and awake again: it must not publish, and ends. So it does where it
    /// wakes after the time that its transaction may take, and would give that up.
    @Test func aZombieIsFenced() async throws {
      let kafka = try await KafkaFolder(jobs: 60)
      // In its second transaction, which has its records and not its offsets.
      let zombie = try kafka.worker("one", failpoints: "transaction.produced=stop@2")
      #expect(await zombie.happens { $0.isStopped })
      let late = ContinuousClock.now + .seconds(26)
      let second = try kafka.worker("one")
      try await kafka.collectEverything()
      try await ContinuousClock().sleep(until: late)
      zombie.send(SIGCONT)
      try await expectFenced(zombie)
      try await kafka.expectEverythingPublished()
      second.send(SIGTERM)
      #expect(await second.end().status == 0)
    }

    /// Two live workers of one name: the older ends, and says why.
    @Test func ofTwoWorkersWithOneNameTheOlderIsFenced() async throws {
      let kafka = try await KafkaFolder(jobs: 60, later: 60)
      let older = try kafka.worker("one")
      let collection = try kafka.collector()
      #expect(await older.happens { _ in kafka.folder.lineCount("out.jsonl") == 120 })
      let newer = try kafka.worker("one")
      #expect(await newer.happens { $0.said.contains("assigned focus.jobs") })
      try await kafka.submitLater()
      try await expectFenced(older)
      #expect(await collection.end().status == 0)
      try await kafka.expectEverythingPublished()
      newer.send(SIGTERM)
      #expect(await newer.end().status == 0)
    }

    /// It stands still for longer than its session lasts: its jobs are another's when it goes on, what it had answered
    /// of them is dropped, and it works on as a member of the group.
    @Test func aWorkerThatStallsLosesItsJobsAndCommitsNothingOfThem() async throws {
      let kafka = try await KafkaFolder(jobs: 60)
      // Nothing is published yet: this broker shows what a transaction that is then refused had produced.
      let stalled = try kafka.worker("one", failpoints: "answer=stop")
      #expect(await stalled.happens { $0.isStopped })
      let other = try kafka.worker("two")
      try await kafka.collectEverything()
      stalled.send(SIGCONT)
      #expect(await stalled.happens { $0.said.contains("lost focus.jobs") })
      #expect(await stalled.happens { $0.said.components(separatedBy: " assigned focus.jobs [").count > 2 })
      for worker in [stalled, other] {
        worker.send(SIGTERM)
        let ending = await worker.end()
        #expect(ending.status == 0, "\(ending.errors)")
      }
      let published = try await kafka.published()
      #expect(published.questions == kafka.questions)
      #expect(!published.hasRepeats, "\(stalled.said)")
    }

    private func expectFenced(_ worker: FocusRun) async throws {
      let ending = await worker.end()
      #expect(ending.status == 3, "\(ending.errors)")
      #expect(ending.errors.contains("another worker has taken this one's place"), "\(ending.errors)")
    }
  }
}
