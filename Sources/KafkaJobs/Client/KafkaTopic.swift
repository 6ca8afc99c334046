import CRdKafka
import Foundation

/// A topic to produce to.
///
/// `@unchecked Sendable`: librdkafka locks what its handle points to; the pointer itself never changes.
final class KafkaTopic: @unchecked Sendable {
  let name: String
  private let handle: OpaquePointer
  private let client: KafkaClient

  /// Throws `KafkaFailure.settings` where the name is none.
  init(_ name: String, of client: KafkaClient) throws(KafkaFailure) {
    guard let handle = rd_kafka_topic_new(client.handle, name, nil) else {
      throw .settings("the topic \(name): \(KafkaError(rd_kafka_last_error()))")
    }
    self.name = name
    self.handle = handle
    self.client = client
  }

  deinit { rd_kafka_topic_destroy(handle) }

  /// Queues a record, its bytes copied. Throws where the queue is full (`_QUEUE_FULL`) or the record too large.
  ///
  /// - Parameter number: above 0; by which its client's events name it where it cannot be delivered.
  func produce(
    _ value: some ContiguousBytes, key: [UInt8], number: Int
  ) throws(KafkaError) {
    let status = value.withUnsafeBytes { value in
      key.withUnsafeBytes { key in
        rd_kafka_produce(
          handle, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
          UnsafeMutableRawPointer(mutating: value.baseAddress),
          value.count, key.baseAddress, key.count, UnsafeMutableRawPointer(bitPattern: number))
      }
    }
    if status != 0 { throw KafkaError(rd_kafka_last_error()) }
  }

  /// Asks the brokers. Throws what they say against the topic, or that none answers.
  func partitionCount(milliseconds: Int32) throws(KafkaError) -> Int32 {
    var metadata: UnsafePointer<rd_kafka_metadata>?
    try check(rd_kafka_metadata(client.handle, 0, handle, &metadata, milliseconds))
    defer { rd_kafka_metadata_destroy(metadata) }
    guard let found = metadata?.pointee, found.topic_cnt == 1 else {
      throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
    }
    try check(found.topics[0].err)
    guard found.topics[0].partition_cnt > 0 else { throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) }
    return Int32(found.topics[0].partition_cnt)
  }
}
