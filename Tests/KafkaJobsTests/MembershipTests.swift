import Answering
import Foundation
import KafkaCluster
import Logging
import StubAnswers
import Testing

@testable import KafkaJobs

/// Partitions that come and go. At least once: the mock cluster keeps only these offsets.
@Suite(.timeLimit(.minutes(3))) struct MembershipTests {
  /// Partitions leave while the worker that reads them has paused; those that stay go on, and so does their new reader.
  @Test func partitionsAreRevokedWhilePaused() async throws {
    let (cluster, jobs) = (try MockCluster(), 120)
    try await cluster.submit(0..<jobs)
    async let found = cluster.results(of: jobs)
    let (drain, gate) = (Signal(), Signal())
    let (first, second) = (LogWatcher(), LogWatcher())
    let (firstCount, secondCount) = (PublishedCount(), PublishedCount())
    async let firstEnding = Self.worker(
      cluster, "first", log: first, observer: firstCount, readAhead: 4, gate: gate
    ).run(until: drain)
    try await first.says("paused focus.jobs")
    async let secondEnding = Self.worker(cluster, "second", log: second, observer: secondCount)
      .run(until: drain)
    try await first.says("revoked focus.jobs")
    try await second.says("assigned focus.jobs [")
    try await secondCount.reaches(1)
    #expect(firstCount.jobs == 0)
    gate.raise()
    #expect(try await found.count == jobs * 2)
    try await firstCount.reaches(1)
    drain.raise()
    _ = try await (firstEnding, secondEnding)
  }

  /// - Parameter gate: nothing is answered before it is raised.
  private static func worker(
    _ cluster: MockCluster, _ name: String, log: LogWatcher, observer: PublishedCount? = nil,
    readAhead: Int = 64, gate: Signal? = nil
  ) -> KafkaWorker {
    var settings = cluster.settings
    settings.delivery = .atLeastOnce
    settings.transactionalID = name
    settings.readAhead = readAhead
    return KafkaWorker(settings, log: log.logger) { connection in
      Pipeline(
        source: connection.source, images: StubImages(),
        model: StubModel { _ in
          await gate?.raised()
          try await Task.sleep(for: .milliseconds(5))
        }, sink: connection.sink, settings: PipelineSettings(jobsInFlight: 2, lookAhead: 2),
        observer: observer)
    }
  }
}
