import CRdKafka
import Foundation
import Logging

/// An idempotent producer of results and dead letters. Its blocking calls belong on the publisher's thread.
final class Producer {
  private static let askMilliseconds: Int32 = 1000

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
        return try topic(record.topic).produce(record.value, key: record.key, number: number)
      } catch {
        guard error.code == RD_KAFKA_RESP_ERR__QUEUE_FULL, ContinuousClock.now < deadline else { throw error }
        rd_kafka_poll(client.handle, 100)
      }
    }
  }

  /// Waits until every queued record is delivered or has failed. At the deadline those that were not sent have failed
  /// too, as where their topic is not there. The failed ones, by their numbers.
  ///
  /// Throws where the brokers do not answer.
  func deliver(until deadline: ContinuousClock.Instant) throws(KafkaError) -> [Int: KafkaError] {
    let left = max(0, Int32((ContinuousClock.now.duration(to: deadline) / .milliseconds(1)).rounded()))
    let code = rd_kafka_flush(client.handle, left)
    if code != RD_KAFKA_RESP_ERR__TIMED_OUT {
      try check(code)
      return client.events.takeFailedRecords()
    }
    if let error = unavailable(of: [.results]).values.first, error.isUnanswered { throw error }
    rd_kafka_purge(client.handle, RD_KAFKA_PURGE_F_QUEUE)
    try check(rd_kafka_flush(client.handle, Self.askMilliseconds))
    return client.events.takeFailedRecords().mapValues {
      $0.isPurge ? KafkaError(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT) : $0
    }
  }

  /// Drops what is queued and on its way.
  func purge() {
    rd_kafka_purge(client.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
    rd_kafka_flush(client.handle, Self.askMilliseconds)
    _ = client.events.takeFailedRecords()
  }

  /// Those of the topics that take no records now, each with why.
  func unavailable(of topics: Set<OutgoingRecord.Topic>) -> [OutgoingRecord.Topic: KafkaError] {
    var errors: [OutgoingRecord.Topic: KafkaError] = [:]
    for topic in topics {
      do throws(KafkaError) {
        _ = try self.topic(topic).partitionCount(milliseconds: Self.askMilliseconds)
      } catch {
        errors[topic] = error
      }
    }
    return errors
  }

  private func topic(_ topic: OutgoingRecord.Topic) -> KafkaTopic {
    switch topic {
    case .results: results
    case .deadLetters: deadLetters
    }
  }
}
