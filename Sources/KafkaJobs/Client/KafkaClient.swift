import CRdKafka

/// One librdkafka client. Its calls may come from any thread.
///
/// `@unchecked Sendable`: librdkafka locks what its handle points to; the pointer itself never changes.
final class KafkaClient: @unchecked Sendable {
  let handle: OpaquePointer
  let events: KafkaEvents

  /// Owns `handle`.
  init(_ handle: OpaquePointer, _ events: KafkaEvents) {
    self.handle = handle
    self.events = events
  }

  /// A consumer is closed before, or leaves its group by its session's end: closing here could block for long.
  deinit { rd_kafka_destroy_flags(handle, Int32(RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)) }

  /// What ended the client, where something did.
  var fatalError: KafkaError? {
    var reason = [CChar](repeating: 0, count: 512)
    let code = rd_kafka_fatal_error(handle, &reason, reason.count)
    if code == RD_KAFKA_RESP_ERR_NO_ERROR { return nil }
    let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    var error = KafkaError(code, text)
    error.isFatal = true
    return error
  }
}
