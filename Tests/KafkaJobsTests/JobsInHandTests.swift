import Answering
import Foundation
import KafkaCluster
import Logging
import Testing

@testable import KafkaJobs

/// Over records of the mock cluster, of one partition.
@Suite(.timeLimit(.minutes(1))) struct JobsInHandTests {
  /// The end comes while the publisher is inside a round, which must not take what is left for published.
  @Test func whatTheEndCutsOffIsNotCommitted() async throws {
    try await withRecords(2) { hands, records in
      let waiting = Signal()
      let publishing = Task {
        try await hands.publish([], at: records[0].record.place, wake: { waiting.raise() })
      }
      await waiting.raised()
      hands.end()
      #expect(hands.safeCommits().isEmpty)
      await #expect(throws: CancellationError.self) { try await publishing.value }
    }
  }

  @Test func aJobThatFindsItsPlaceGoneIsWithdrawn() async throws {
    try await withRecords(1) { hands, records in
      let (sequence, record) = records[0]
      let watching = Task {
        while hands.place(of: sequence) != nil { await Task.yield() }
        return record.withdrawal.isRaised
      }
      hands.release([0])
      #expect(await watching.value)
    }
  }

  /// The next owner counts it at once, and must find no count of this worker's, whose pipeline may be full and ask for
  /// nothing meanwhile.
  @Test func whatGoesToAnotherWorkerBeforeItIsGivenOutIsNoAttempt() async throws {
    try await withHands(3) { hands, settings in
      let counts = MemoryAttemptCounts()
      let source = KafkaJobSource(
        hands, settings, limits: .records, defaults: GenerationParameters(),
        attempts: AttemptTally(counts, log: Logger(label: "test")), madeRoom: {})
      while !hands.isFull { await Task.yield() }
      let first = try await source.next()
      #expect(first?.attempts == 1)
      hands.release([0])
      let keys = (0..<3 as Range<Int64>).map {
        JobKey(group: settings.group, topic: settings.jobsTopic, partition: 0, offset: $0)
      }
      var found = await counts.begin(keys)
      while found != [2, 1, 1] {
        await counts.withdraw(keys)
        await Task.yield()
        found = await counts.begin(keys)
      }
    }
  }

  /// Gives `body` what holds the first `count` jobs of a topic, and those.
  private func withRecords(
    _ count: Int,
    _ body: (JobsInHand, [(sequence: Int, record: JobsInHand.Record)]) async throws -> Void
  ) async throws {
    try await withHands(count) { hands, _ in
      var records: [(sequence: Int, record: JobsInHand.Record)] = []
      while records.count < count { records += try await hands.next(count - records.count) }
      try await body(hands, records)
    }
  }

  /// Gives `body` what is filled by a topic of `count` jobs.
  private func withHands(
    _ count: Int, _ body: (JobsInHand, KafkaSettings) async throws -> Void
  ) async throws {
    let cluster = try MockCluster(partitions: 1)
    try await cluster.submit(0..<count)
    let hands = JobsInHand(readAhead: count, readAheadBytes: 1 << 20)
    let consumer = try Consumer(
      cluster.settings, hands, CommitLock(), log: Logger(label: "test"), onStatistics: nil)
    let ended = Signal()
    Thread.detachNewThread {
      consumer.run()
      ended.raise()
    }
    try await body(hands, cluster.settings)
    consumer.stop()
    await ended.raised()
    withExtendedLifetime(cluster) {}
  }
}
