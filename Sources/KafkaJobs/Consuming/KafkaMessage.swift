import Answering
import CRdKafka
import Foundation

/// A record as it was consumed, its bytes in librdkafka's memory.
///
/// `@unchecked Sendable`: nothing changes after it was consumed, and one owner frees it.
final class KafkaMessage: @unchecked Sendable {
  private let message: UnsafeMutablePointer<rd_kafka_message_t>
  /// A message must be freed before its client.
  private let client: KafkaClient

  /// Owns `message`, which holds a record and no error.
  init(_ message: UnsafeMutablePointer<rd_kafka_message_t>, of client: KafkaClient) {
    self.message = message
    self.client = client
  }

  deinit { rd_kafka_message_destroy(message) }

  var partition: Int32 { message.pointee.partition }
  var offset: Int64 { message.pointee.offset }
  var bytes: Int { message.pointee.len }

  /// Milliseconds since 1970; 0 where the record has no time.
  var timestamp: Int64 { max(0, rd_kafka_message_timestamp(message, nil)) }

  /// Calls `body` with the record's value, uncopied; nil where it has none.
  func withValue<Value>(_ body: (Data?) throws -> Value) rethrows -> Value {
    guard let payload = message.pointee.payload else { return try body(nil) }
    return try body(Data(bytesNoCopy: payload, count: bytes, deallocator: .none))
  }
}
