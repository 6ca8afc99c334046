import Answering
import CRdKafka
import Foundation
import Logging

/// Exactly once: results, dead letters and the offsets they answer, in one transaction.
///
/// An outcome waits until all before it in its partition are ready, as an offset cannot be committed with a hole
/// before it.
final class Transactions: PublishingRounds {
  /// Bytes of one transaction's records, beyond its first outcome.
  private static let largest = 16 << 20
  /// Until a call gets its last try. With those of two calls, less than `transaction.timeout.ms`, so that it is never
  /// the broker who ends a transaction: the producer would be fenced.
  private static let longest = Duration.seconds(18)
  /// How long records may take of that: what they have not reached is held, and the rest goes on.
  private static let longestDelivery = Duration.seconds(15)
  /// How long a call may take at least. A machine that stood still wakes with its deadline behind it, and must hear
  /// from the broker that it was fenced: given up unasked, its next connection would fence the one in its place.
  private static let shortestMilliseconds: Int32 = 5000
  /// How long a call may take once the worker is to stop.
  private static let stoppedMilliseconds: Int32 = 1000

  private let producer: Producer
  private let hands: JobsInHand
  private let consumer: Consumer
  private let topic: String
  private let refusals: Refusals
  private let log: Logger
  private let isStopped: () -> Bool
  private var held = HeldPartitions()

  /// Makes the producer the only one of its name: older ones are fenced, and what they left open is settled.
  ///
  /// - Parameter isStopped: whether to wait for brokers no longer.
  init(
    _ producer: Producer, _ hands: JobsInHand, _ consumer: Consumer, _ settings: KafkaSettings, log: Logger,
    unless isStopped: @escaping () -> Bool
  ) throws {
    self.producer = producer
    self.hands = hands
    self.consumer = consumer
    topic = settings.jobsTopic
    refusals = Refusals(settings, log: log)
    self.log = log
    self.isStopped = isStopped
    while !isStopped(),
      let error = KafkaError(taking: rd_kafka_init_transactions(producer.client.handle, 5000))
    {
      guard error.isRetriable else { throw error }
      log.warning("Kafka, preparing for transactions: \(error); trying again")
    }
  }

  func publishReady() throws -> Bool {
    held.review(hands, unavailable: producer.unavailable, at: .now)
    let outcomes = held.publishable(
      hands.ready(bytes: Self.largest, skipping: held.resting(hands, at: .now)),
      unavailable: producer.unavailable)
    if outcomes.isEmpty { return false }
    let deadline = ContinuousClock.now + Self.longest
    do throws(KafkaError) {
      try retrying(until: deadline) { _ in rd_kafka_begin_transaction(producer.client.handle) }
      if let refused = try produce(outcomes, until: .now + Self.longestDelivery) {
        try abort()
        refusals.settle(refused, hands, &held)
        return true
      }
      Failpoint.reach("transaction.produced")
      try sendOffsets(of: outcomes, until: deadline)
      Failpoint.reach("transaction.complete")
      try retrying(until: deadline) { rd_kafka_commit_transaction(producer.client.handle, $0) }
    } catch {
      // A fenced worker may only end: a new connection would fence the one that took its place.
      guard error.requiresAbort, !error.isFencing else { throw error.failure }
      log.warning("Kafka, a transaction is aborted and tried again: \(error)")
      producer.purge()
      do throws(KafkaError) { try abort() } catch { throw error.failure }
      for (partition, outcomes) in Dictionary(grouping: outcomes, by: \.place.partition) {
        _ = held.hold(partition, outcomes, at: .now)
      }
      return false
    }
    Failpoint.reach("transaction.committed")
    held.release(outcomes)
    hands.committed(outcomes)
    return true
  }

  /// Records that the brokers refused, by their outcomes; nil where all are there.
  private func produce(
    _ outcomes: [JobsInHand.Outcome], until deadline: ContinuousClock.Instant
  ) throws(KafkaError) -> [(JobsInHand.Outcome, KafkaError)]? {
    var refused: [Int: KafkaError] = [:]
    for (index, outcome) in outcomes.enumerated() {
      for record in outcome.records {
        do throws(KafkaError) {
          try producer.produce(record, number: index + 1, until: deadline)
        } catch {
          if error.isFatal || producer.client.fatalError != nil { throw error }
          refused[index + 1] = error
        }
      }
    }
    refused.merge(try producer.deliver(until: deadline)) { first, _ in first }
    // The transaction's own end tells more than each of its records.
    refused = refused.filter { !$0.value.isPurge }
    return refused.isEmpty ? nil : refused.map { (outcomes[$0.key - 1], $0.value) }
  }

  private func sendOffsets(
    of outcomes: [JobsInHand.Outcome], until deadline: ContinuousClock.Instant
  ) throws(KafkaError) {
    var offsets: [Int32: Int64] = [:]
    for outcome in outcomes { offsets[outcome.place.partition] = outcome.place.offset + 1 }
    let partitions = KafkaPartitions(topic: topic, offsets: offsets)
    guard let metadata = rd_kafka_consumer_group_metadata(consumer.client.handle) else {
      var error = KafkaError(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID)
      error.requiresAbort = true
      throw error
    }
    defer { rd_kafka_consumer_group_metadata_destroy(metadata) }
    try retrying(until: deadline) {
      rd_kafka_send_offsets_to_transaction(producer.client.handle, partitions.list, metadata, $0)
    }
  }

  private func abort() throws(KafkaError) {
    let deadline = ContinuousClock.now + Self.longest
    try retrying(until: deadline) { rd_kafka_abort_transaction(producer.client.handle, $0) }
  }

  /// Makes the same call again as long as librdkafka says that it may succeed, and once after the deadline.
  ///
  /// Once the worker is to stop, nobody waits for the transaction: each call gets one short try, and what stays
  /// open is settled by the next worker of this name, or by its age.
  private func retrying(
    until deadline: ContinuousClock.Instant, _ call: (_ milliseconds: Int32) -> OpaquePointer?
  ) throws(KafkaError) {
    while true {
      let isLast = ContinuousClock.now >= deadline
      do throws(KafkaError) {
        return try check(call(milliseconds(until: deadline)))
      } catch {
        guard error.isRetriable, !isLast, !isStopped() else { throw error }
      }
    }
  }

  private func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
    let left = max(
      Self.shortestMilliseconds, Int32(ContinuousClock.now.duration(to: deadline) / .milliseconds(1)))
    return isStopped() ? min(left, Self.stoppedMilliseconds) : left
  }
}
