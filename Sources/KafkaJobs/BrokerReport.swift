import BlockingCalls
import CRdKafka
import Foundation
import Logging

/// What the brokers tell of themselves and the worker's topics.
public struct BrokerReport: Sendable, Equatable {
  public var brokers: Int
  /// Partitions of those of the worker's topics that exist.
  public var partitions: [String: Int]

  /// Asks, for at most ten seconds. Throws `KafkaFailure`.
  public static func of(_ settings: KafkaSettings) async throws -> BrokerReport {
    try await withCheckedThrowingContinuation { continuation in
      _ = NamedThread("focus.doctor") {
        continuation.resume(with: Result { try look(settings) })
      }
    }
  }

  private static func look(_ settings: KafkaSettings) throws -> BrokerReport {
    let configuration = KafkaConfiguration()
    try configuration.set(settings, client: "focus-doctor")
    try configuration.set(settings.properties)
    // What librdkafka would log comes back as the error.
    var log = Logger(label: "focus.kafka")
    log.logLevel = .critical
    let client = try configuration.client(RD_KAFKA_PRODUCER, KafkaEvents(log: log))
    var metadata: UnsafePointer<rd_kafka_metadata>?
    do throws(KafkaError) {
      try check(rd_kafka_metadata(client.handle, 1, nil, &metadata, 10_000))
    } catch {
      throw KafkaFailure.broken("\(error)")
    }
    defer { rd_kafka_metadata_destroy(metadata) }
    guard let found = metadata?.pointee else { throw KafkaFailure.broken("no metadata came") }
    var counts: [String: Int] = [:]
    for index in 0..<Int(found.topic_cnt) {
      let topic = found.topics[index]
      if topic.err == RD_KAFKA_RESP_ERR_NO_ERROR {
        counts[String(cString: topic.topic)] = Int(topic.partition_cnt)
      }
    }
    let topics = [settings.jobsTopic, settings.resultsTopic, settings.deadLettersTopic]
    return BrokerReport(brokers: Int(found.broker_cnt), partitions: counts.filter { topics.contains($0.key) })
  }
}
