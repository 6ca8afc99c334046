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

  /// Gives `body` what holds the first `count` jobs of a topic, and those.
  private func withRecords(
    _ count: Int,
    _ body: (JobsInHand, [(sequence: Int, record: JobsInHand.Record)]) async throws -> Void
  ) async throws {
    let cluster = try MockCluster(partitions: 1)
    try await cluster.submit(0..<count)
    let hands = JobsInHand(readAhead: 64, readAheadBytes: 1 << 20)
    let consumer = try Consumer(
      cluster.settings, hands, CommitLock(), log: Logger(label: "test"), onStatistics: nil)
    let ended = Signal()
    Thread.detachNewThread {
      consumer.run()
      ended.raise()
    }
    var records: [(sequence: Int, record: JobsInHand.Record)] = []
    while records.count < count { records += try await hands.next(count - records.count) }
    try await body(hands, records)
    consumer.stop()
    await ended.raised()
    withExtendedLifetime(cluster) {}
  }
}
