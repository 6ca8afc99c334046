import Answering
import CRdKafka
import Foundation
import KafkaCluster
import Logging
import StubAnswers
import Testing

@testable import KafkaJobs

/// Faults that librdkafka's mock cluster injects: no job goes without its results.
@Suite(.serialized, .timeLimit(.minutes(3))) struct FaultTests {
  private static let jobs = 100

  @Test(arguments: DeliveryGuarantee.allCases)
  func jobsAreAnswered(delivery: DeliveryGuarantee) async throws {
    try await everyJobIsAnswered(delivery)
  }

  /// For a minute: longer than sessions, transactions and records may last.
  @Test func brokersAreDownForAWhile() async throws {
    try await everyJobIsAnswered { cluster in
      cluster.takeDown()
      try await Task.sleep(for: .seconds(60))
      cluster.bringUp()
    }
  }

  /// What does not fit into librdkafka's own queue waits for room there.
  @Test(arguments: DeliveryGuarantee.allCases)
  func theProducersQueueIsFull(delivery: DeliveryGuarantee) async throws {
    let cluster = try MockCluster()
    try await cluster.submit(0..<Self.jobs)
    cluster.slowDown(milliseconds: 50)
    var settings = cluster.settings
    settings.delivery = delivery
    settings.properties["queue.buffering.max.messages"] = "2"
    try await answers(cluster, settings)
  }

  /// Its partition waits with all that follows, and the others go on to their ends; nothing is passed over.
  @Test(arguments: DeliveryGuarantee.allCases)
  func theDeadLetterTopicIsUnavailable(delivery: DeliveryGuarantee) async throws {
    let (cluster, log, watcher, isReading) = (try MockCluster(), LogWatcher(), PublishedCount(), Signal())
    let (lags, drain) = (LagWatcher(), Signal())
    var settings = cluster.settings
    settings.delivery = delivery
    // So few that the partition's own jobs could take them all.
    settings.readAhead = 4
    let worker = Self.worker(settings, log: log.logger, observer: watcher, onLag: lags.note)
    async let found = cluster.results(of: Self.jobs + 1, first: isReading)
    async let ending = worker.run(until: drain)
    try await cluster.submit(0..<1)
    await isReading.raised()
    cluster.refuse("focus.dead-letters", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
    // The mock cluster refuses no records, but to tell of the topic: so it is some time until the producer asks.
    var letters = 0
    while !log.hasSaid(" again") {
      letters += 1
      try await cluster.submit([Data(#"{"job_id":"bad"}"#.utf8)])
      try await Self.first(
        { try await log.says(" again") }, or: { [letters] in try await watcher.reaches(1 + letters) })
    }
    let published = watcher.letters
    try await cluster.submit(1..<Self.jobs)
    try await lags.meets { [letters] lags in
      // At least: without transactions a result may be published, and given back before its offset is committed.
      lags.values.count { $0 > 0 } == 1 && watcher.jobs + Int(lags.values.reduce(0, +)) >= Self.jobs + letters
    }
    #expect(watcher.letters == published)
    cluster.refuse("focus.dead-letters", nil)
    #expect(try await found.count == (Self.jobs + 1) * 2)
    try await lags.meets { lags in lags.values.allSatisfy { $0 == 0 } }
    #expect(watcher.letters == letters)
    drain.raise()
    _ = try await ending
  }

  @Test func coordinatorsMove() async throws {
    try await everyJobIsAnswered { cluster in
      for broker in [2, 3, 1] as [Int32] {
        rd_kafka_mock_coordinator_set(cluster.cluster, "group", "focus", broker)
        rd_kafka_mock_coordinator_set(cluster.cluster, "transaction", "worker", broker)
        try await Task.sleep(for: .milliseconds(300))
      }
    }
  }

  @Test func leadersMove() async throws {
    try await everyJobIsAnswered { cluster in
      for turn in 1...3 as ClosedRange<Int32> {
        for topic in ["focus.jobs", "focus.results"] {
          for partition in 0..<4 as Range<Int32> {
            rd_kafka_mock_partition_set_leader(cluster.cluster, topic, partition, (partition + turn) % 3 + 1)
          }
        }
        try await Task.sleep(for: .milliseconds(300))
      }
    }
  }

  @Test func aTransactionMustBeAborted() async throws {
    try await everyJobIsAnswered(after: { cluster in
      cluster.fail(.addOffsetsToTransaction, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
      cluster.fail(.produce, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
    })
  }

  @Test func aProducerThatIsSpentIsReplaced() async throws {
    try await everyJobIsAnswered(after: { cluster in
      cluster.fail(
        .produce, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID)
    })
  }

  @Test func aCommitThatGoesWrongIsMadeAgain() async throws {
    try await everyJobIsAnswered(after: { cluster in
      cluster.fail(
        .endTransaction, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS)
    })
  }

  /// Without transactions, and no further job comes whose commit would take this one's with it.
  @Test func aCommitThatFailsIsMadeAgainThoughNothingFollows() async throws {
    let (cluster, log, lags, drain) = (try MockCluster(), LogWatcher(), LagWatcher(), Signal())
    var settings = cluster.settings
    settings.delivery = .atLeastOnce
    try await cluster.submit(0..<1)
    cluster.fail(.offsetCommit, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS)
    async let ending = Self.worker(settings, log: log.logger, onLag: lags.note).run(until: drain)
    try await log.says("committing offsets")
    try await lags.meets { lags in !lags.isEmpty && lags.values.allSatisfy { $0 == 0 } }
    drain.raise()
    _ = try await ending
  }

  @Test func aFencedWorkerEndsAndSaysWhy() async throws {
    let cluster = try MockCluster()
    cluster.fail(.initProducerID, RD_KAFKA_RESP_ERR_PRODUCER_FENCED)
    await #expect {
      try await Self.worker(cluster.settings).run(until: Signal())
    } throws: { error in
      guard case KafkaFailure.fenced = error else { return false }
      return true
    }
  }

  /// What the brokers take no record of becomes a dead letter, and its neighbours are answered.
  @Test func aResultThatIsTooLargeIsADeadLetter() async throws {
    let cluster = try MockCluster()
    try await cluster.submit(0..<Self.jobs)
    cluster.fail(.produce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
    try await answers(cluster, cluster.settings)
  }

  @Test func settingsThatBreakThePromiseAreRefused() throws {
    var settings = KafkaSettings(brokers: "localhost:1")
    for (name, value) in ["enable.auto.commit": "true", "group.id": "x", "no.such.setting": "1"] {
      settings.properties = [name: value]
      #expect {
        try KafkaConnection(settings)
      } throws: { "\($0)".contains(name) }
    }
  }

  private static func first(
    _ one: @escaping @Sendable () async throws -> Void, or other: @escaping @Sendable () async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(operation: one)
      group.addTask(operation: other)
      try await group.next()
      group.cancelAll()
      while let result = await group.nextResult() { _ = result }
    }
  }

  // MARK: The same for each

  /// Runs a worker over some jobs. `prepare` is called before it begins, `fault` when it has answered the first of them.
  private func everyJobIsAnswered(
    _ delivery: DeliveryGuarantee = .exactlyOnce,
    while fault: @escaping @Sendable (MockCluster) async throws -> Void = { _ in },
    after prepare: (MockCluster) -> Void = { _ in }
  ) async throws {
    let cluster = try MockCluster()
    var settings = cluster.settings
    settings.delivery = delivery
    try await cluster.submit(0..<Self.jobs)
    prepare(cluster)
    try await answers(cluster, settings, while: fault)
  }

  private func answers(
    _ cluster: MockCluster, _ settings: KafkaSettings,
    while fault: @escaping @Sendable (MockCluster) async throws -> Void = { _ in }
  ) async throws {
    let (drain, isReading) = (Signal(), Signal())
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        await isReading.raised()
        try await fault(cluster)
      }
      async let ending = Self.worker(settings).run(until: drain)
      let found = try await cluster.results(of: Self.jobs, first: isReading)
      drain.raise()
      _ = try await ending
      #expect(found.count == Self.jobs * 2)
      try await group.waitForAll()
    }
  }

  private static func worker(
    _ settings: KafkaSettings, log: Logger = Logger(label: "focus.kafka"), observer: PublishedCount? = nil,
    onLag: (@Sendable ([Int32: Int64]) -> Void)? = nil
  ) -> KafkaWorker {
    KafkaWorker(settings, log: log, onLag: onLag) { connection in
      Pipeline(
        source: connection.source, images: StubImages(),
        model: StubModel { _ in try await Task.sleep(for: .milliseconds(50)) }, sink: connection.sink,
        settings: PipelineSettings(jobsInFlight: 4), observer: observer)
    }
  }
}
