import Answering
import Foundation
import KafkaCluster
import StubAnswers
import Synchronization
import Testing

@testable import KafkaJobs

/// Jobs that may have killed their workers before.
@Suite(.serialized, .timeLimit(.minutes(2))) struct AttemptTests {
  private static let jobs = 40

  @Test func aJobAtTheLimitIsADeadLetterAndItsNeighboursAreAnswered() async throws {
    let (cluster, counts) = (try MockCluster(), MemoryAttemptCounts())
    try await cluster.submit(0..<Self.jobs, questions: 1)
    for _ in 0..<3 { _ = await counts.begin(Self.firstOfEachPartition) }
    let seen = try await run(cluster, counts)
    let exhausted = seen.letters.filter { $0.rejection.reason == .attemptsExhausted }
    #expect(!exhausted.isEmpty && exhausted.count == seen.letters.count)
    #expect(exhausted.allSatisfy { $0.attempts == 4 })
    #expect(seen.answered == Self.jobs - exhausted.count)
    // Nothing is left of what ended.
    #expect(await counts.begin(Self.firstOfEachPartition) == [1, 1, 1, 1])
  }

  @Test func aJobThatWasBegunBeforeRunsAlone() async throws {
    let (cluster, counts) = (try MockCluster(), MemoryAttemptCounts())
    try await cluster.submit(0..<Self.jobs, questions: 1)
    _ = await counts.begin(Self.firstOfEachPartition)
    let seen = try await run(cluster, counts)
    #expect(!seen.suspects.isEmpty)
    #expect(seen.company == 0)
    #expect(seen.answered == Self.jobs)
  }

  /// A drain that runs out of time has killed nobody.
  @Test func whatADrainAbandonsIsNoAttempt() async throws {
    let (cluster, counts) = (try MockCluster(), MemoryAttemptCounts())
    try await cluster.submit(0..<Self.jobs, questions: 1)
    let (drain, begun) = (Signal(), Signal())
    let worker = KafkaWorker(cluster.settings, attempts: counts) { connection in
      Pipeline(
        source: connection.source, images: StubImages(),
        model: StubModel { _ in
          begun.raise()
          try await Task.sleep(for: .seconds(3600))
        }, sink: connection.sink, settings: PipelineSettings(drainTimeout: .milliseconds(10)))
    }
    async let ending = worker.run(until: drain)
    try await begun.raised(within: .seconds(60))
    drain.raise()
    #expect(try await ending.counts.jobsAbandoned > 0)
    #expect(await counts.begin(Self.firstOfEachPartition) == [1, 1, 1, 1])
  }

  private static let firstOfEachPartition = (0..<4 as Range<Int32>).map {
    JobKey(group: "focus", topic: "focus.jobs", partition: $0, offset: 0)
  }

  private func run(_ cluster: MockCluster, _ counts: some AttemptCounts) async throws -> Watcher.Seen {
    let (drain, watcher) = (Signal(), Watcher())
    let worker = KafkaWorker(cluster.settings, attempts: counts) { connection in
      Pipeline(
        source: connection.source, images: StubImages(),
        model: StubModel { questions in
          try await watcher.watching(questions[0].text) { try await Task.sleep(for: .milliseconds(5)) }
        }, sink: connection.sink, observer: watcher)
    }
    async let ending = worker.run(until: drain)
    _ = try await cluster.results(of: Self.jobs, questions: 1)
    drain.raise()
    _ = try await ending
    return watcher.seen
  }
}

/// Notes who is in the model beside a job that was begun before.
private final class Watcher: ProgressObserver {
  struct Seen {
    var answered = 0
    var letters: [DeadLetter] = []
    /// Jobs that were begun before.
    var suspects: Set<String> = []
    /// How often one was in the model beside another job.
    var company = 0
    var running: Set<String> = []
  }

  private let state = Mutex(Seen())
  var seen: Seen { state.withLock { $0 } }

  func observe(_ event: ProgressEvent) {
    state.withLock { seen in
      switch event {
      case .began(let delivery):
        if delivery.attempts > 1, let job = try? delivery.content.get() { seen.suspects.insert(job.id) }
      case .published(.rejected(let letter, _)): seen.letters.append(letter)
      case .published(.answered): seen.answered += 1
      case .abandoned, .stage, .tokenCache: break
      }
    }
  }

  func watching(_ job: String, _ work: () async throws -> Void) async rethrows {
    state.withLock { seen in
      seen.running.insert(job)
      if seen.running.count > 1, !seen.running.isDisjoint(with: seen.suspects) { seen.company += 1 }
    }
    defer { state.withLock { _ = $0.running.remove(job) } }
    try await work()
  }
}
