import CRdKafka
import Foundation
import Logging

/// An idempotent producer of results and dead letters. Its blocking calls belong on the publisher's thread.
final class Producer {
  let client: KafkaClient
  private let results: KafkaTopic
  private let deadLetters: KafkaTopic

  init(_ settings: KafkaSettings, log: Logger) throws(KafkaFailure) {
    let configuration = KafkaConfiguration()
    try configuration.set(settings, client: "focus-worker")
    try configuration.set("linger.ms", "5")
    if settings.delivery == .exactlyOnce {
      try configuration.set("transactional.id", settings.resolvedTransactionalID)
      // A dead worker's open transaction holds readers back no longer.
      try configuration.set("transaction.timeout.ms", "30000")
      // A record's own limit may not be longer than the transaction's.
      try configuration.set("delivery.timeout.ms", "30000")
    }
    try configuration.set(settings.properties)
    try configuration.set("enable.idempotence", "true")
    client = try configuration.client(RD_KAFKA_PRODUCER, KafkaEvents(log: log))
    results = try KafkaTopic(settings.resultsTopic, of: client)
    deadLetters = try KafkaTopic(settings.deadLettersTopic, of: client)
  }

  /// Queues a record; where the queue is full, waits for room until `deadline`.
  ///
  /// - Parameter number: by which `deliver` names it where it fails.
  func produce(_ record: OutgoingRecord, number: Int, until deadline: ContinuousClock.Instant)
    throws(KafkaError)
  {
    while true {
      do throws(KafkaError) {
        return try (record.topic == .results ? results : deadLetters).produce(
          record.value, key: record.key, number: number)
      } catch {
        guard error.code == RD_KAFKA_RESP_ERR__QUEUE_FULL, ContinuousClock.now < deadline else { throw error }
        rd_kafka_poll(client.handle, 100)
      }
    }
  }

  /// Waits until every queued record is delivered or has failed. The failed ones, by their numbers.
  func deliver(until deadline: ContinuousClock.Instant) throws(KafkaError) -> [Int: KafkaError] {
    let left = max(0, Int32((ContinuousClock.now.duration(to: deadline) / .milliseconds(1)).rounded()))
    try check(rd_kafka_flush(client.handle, left))
    return client.events.takeFailedRecords()
  }

  /// Drops what is queued and on its way.
  func purge() {
    rd_kafka_purge(client.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    rd_kafka_flush(client.handle, 1000)
    _ = client.events.takeFailedRecords()
  }
}
