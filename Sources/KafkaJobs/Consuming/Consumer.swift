import CRdKafka
import Foundation
import Logging
import Synchronization

/// Reads the jobs topic in a consumer group, on a thread of its own.
///
/// It polls for as long as it lives, also while nothing more can be taken, so that a long answer loses no partition.
/// One message at a time, and only what is paused is resumed: batches and redundant resumes skip or repeat records in
/// some versions of librdkafka.
final class Consumer: Sendable {
  private static let pollMilliseconds: Int32 = 100
  /// How long a full read-ahead may keep the thread from polling. Pausing costs what librdkafka has fetched, so a pipeline
  /// that takes records fast never sees it.
  private static let pauseAfter = DispatchTimeInterval.milliseconds(500)

  let client: KafkaClient
  private let topic: String
  private let hands: JobsInHand
  private let committing: CommitLock
  private let log: Logger
  /// Signalled when there is room again, and to stop.
  private let wake = DispatchSemaphore(value: 0)
  private let isStopping = Atomic(false)
  private let paused: Mutex<PausedPartitions>
  private let isPausing = Atomic(false)
  private let assigned = Atomic(0)

  /// Partitions in this worker's hands.
  var assignedCount: Int { assigned.load(ordering: .relaxed) }

  /// - Parameter committing: partitions are given back before or after a commit of theirs.
  init(
    _ settings: KafkaSettings, _ hands: JobsInHand, _ committing: CommitLock, log: Logger,
    onStatistics: (@Sendable (String) -> Void)?
  ) throws(KafkaFailure) {
    let configuration = KafkaConfiguration()
    try configuration.set(settings, client: "focus-worker")
    try configuration.set("group.id", settings.group)
    try configuration.set("auto.offset.reset", "earliest")
    try configuration.set("queued.max.messages.kbytes", "16384")
    try configuration.set("statistics.interval.ms", onStatistics == nil ? "0" : "5000")
    try configuration.set(settings.properties)
    try configuration.set("enable.auto.commit", "false")
    try configuration.set("enable.auto.offset.store", "false")
    try configuration.set("partition.assignment.strategy", "cooperative-sticky")
    try configuration.set("isolation.level", "read_committed")
    topic = settings.jobsTopic
    self.hands = hands
    self.committing = committing
    self.log = log
    let relay = Relay()
    let events = KafkaEvents(log: log, onStatistics: onStatistics) { isAssigned, partitions in
      relay.consumer?.rebalance(isAssigned, partitions)
    }
    client = try configuration.client(RD_KAFKA_CONSUMER, events)
    paused = Mutex(PausedPartitions(client, topic: topic))
    relay.consumer = self
  }

  /// The rebalance callback's way to the consumer, which is made after it.
  ///
  /// `@unchecked Sendable`: written once, before the client polls.
  private final class Relay: @unchecked Sendable {
    weak var consumer: Consumer?
  }

  // MARK: The thread

  /// Joins the group and reads until `stop`; leaves the group at the end. Blocks: the thread's body.
  func run() {
    rd_kafka_poll_set_consumer(client.handle)
    let topics = KafkaPartitions(topic: topic, [-1])
    do throws(KafkaError) {
      try check(rd_kafka_subscribe(client.handle, topics.list))
    } catch {
      return hands.end(KafkaFailure.broken("cannot subscribe to \(topic): \(error)"))
    }
    while !isStopping.load(ordering: .acquiring) {
      keepWithheld()
      waitForRoom()
      guard let message = rd_kafka_consumer_poll(client.handle, isPaused ? 0 : Self.pollMilliseconds) else {
        continue
      }
      take(message)
    }
    if let error = KafkaError(closing: client.handle) { log.warning("leaving the consumer group: \(error)") }
  }

  /// Ends `run`, from any thread.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    wake.signal()
  }

  /// Something that was read ahead was taken.
  func madeRoom() {
    if isPausing.load(ordering: .acquiring), hands.isLow { wake.signal() }
  }

  private var isPaused: Bool { paused.withLock(\.isWaitingForRoom) }

  /// Gives back and takes up what the publisher asks for.
  private func keepWithheld() {
    let wanted = hands.withheld
    let (new, free) = paused.withLock { (wanted.subtracting($0.withheld), $0.withheld.subtracting(wanted)) }
    for partition in new {
      log.warning("\(topic)[\(partition)] waits, and its jobs are given back, until they can be published")
      paused.withLock { $0.withhold(partition) }
      committing.withLock { hands.restart([partition]) }
    }
    if free.isEmpty { return }
    let positions = hands.positions()
    for partition in free {
      log.info("\(topic)[\(partition)] goes on")
      paused.withLock { $0.takeUp(partition, at: positions[partition] ?? nil) }
    }
  }

  private func waitForRoom() {
    if isPaused {
      if !hands.isLow { _ = wake.wait(timeout: .now() + Self.pauseAfter) }
      if hands.isLow { resume() }
    } else if hands.isFull {
      isPausing.store(true, ordering: .sequentiallyConsistent)
      let isStillFull = !hands.isLow && wake.wait(timeout: .now() + Self.pauseAfter) == .timedOut
      if isStillFull, !hands.isLow { pauseAll() } else { isPausing.store(false, ordering: .releasing) }
    }
  }

  private func pauseAll() {
    var list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    guard rd_kafka_assignment(client.handle, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return }
    defer { rd_kafka_topic_partition_list_destroy(list) }
    pause(KafkaPartitions(borrowing: list).numbers)
  }

  private func pause(_ partitions: [Int32]) {
    paused.withLock { $0.pause(partitions) }
    log.debug("paused \(topic) \(partitions)")
  }

  private func resume() {
    isPausing.store(false, ordering: .releasing)
    paused.withLock { $0.resume() }
  }

  private func take(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
    let code = message.pointee.err
    if code == RD_KAFKA_RESP_ERR_NO_ERROR { return take(KafkaMessage(message, of: client)) }
    let reason = rd_kafka_message_errstr(message).map { String(cString: $0) }
    rd_kafka_message_destroy(message)
    if let error = client.fatalError {
      hands.end(error.failure)
      return isStopping.store(true, ordering: .releasing)
    }
    if code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC {
      log.warning("the topic \(topic) does not exist yet; the worker waits for it")
    } else {
      log.warning("Kafka, reading \(topic): \(KafkaError(code, reason))")
    }
  }

  private func take(_ message: KafkaMessage) {
    let (isWithheld, isGap) = paused.withLock {
      ($0.withheld.contains(message.partition), $0.isGap(message.offset, of: message.partition))
    }
    // It is read again when the partition goes on. What this thread knows counts: the publisher may have withheld
    // and taken up since, and then nothing is read again.
    if isWithheld { return }
    if isGap {
      hands.end(KafkaFailure.broken("\(topic)[\(message.partition)] is not read from where it stood"))
      return isStopping.store(true, ordering: .releasing)
    }
    hands.add(message)
  }

  // MARK: Rebalances

  /// Called by librdkafka within `poll` and `close`.
  private func rebalance(_ isAssigned: Bool, _ partitions: borrowing KafkaPartitions) {
    let numbers = partitions.numbers
    do throws(KafkaError) {
      if isAssigned {
        log.info("assigned \(topic) \(numbers)")
        hands.assign(numbers)
        try check(rd_kafka_incremental_assign(client.handle, partitions.list))
        assigned.add(numbers.count, ordering: .relaxed)
        // Pausing outlives a rebalance.
        if isPaused { pause(numbers) }
      } else {
        let isLost = rd_kafka_assignment_lost(client.handle) != 0
        log.log(level: isLost ? .warning : .info, "\(isLost ? "lost" : "revoked") \(topic) \(numbers)")
        committing.withLock { hands.release(numbers) }
        paused.withLock { $0.revoke(numbers) }
        assigned.subtract(numbers.count, ordering: .relaxed)
        try check(rd_kafka_incremental_unassign(client.handle, partitions.list))
      }
    } catch {
      log.warning("Kafka, at a rebalance of \(topic): \(error)")
    }
  }
}

extension KafkaError {
  /// Closes a consumer: gives its partitions back and leaves the group. Blocks for at most seconds.
  fileprivate init?(closing client: OpaquePointer) {
    let code = rd_kafka_consumer_close(client)
    if code == RD_KAFKA_RESP_ERR_NO_ERROR { return nil }
    self.init(code)
  }
}
