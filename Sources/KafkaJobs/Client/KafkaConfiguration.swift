import CRdKafka

/// Settings of one librdkafka client, checked by librdkafka as they are set.
final class KafkaConfiguration {
  /// The promise hangs on these; each has a flag, or no other value would do.
  private static let reserved: [String: String] = [
    "bootstrap.servers": "use --brokers", "metadata.broker.list": "use --brokers", "group.id": "use --group",
    "transactional.id": "use --transactional-id", "message.max.bytes": "use --largest-record",
    "enable.auto.commit": "the worker commits what is published, and nothing else",
    "enable.auto.offset.store": "the worker commits what is published, and nothing else",
    "enable.idempotence": "the producer must be idempotent",
    "partition.assignment.strategy": "the worker needs cooperative-sticky",
    "isolation.level": "jobs of aborted transactions must stay hidden",
  ]

  private var handle: OpaquePointer?

  init() { handle = rd_kafka_conf_new() }

  deinit { if let handle { rd_kafka_conf_destroy(handle) } }

  func set(_ name: String, _ value: String) throws(KafkaFailure) {
    var reason = [CChar](repeating: 0, count: 512)
    guard rd_kafka_conf_set(handle, name, value, &reason, reason.count) == RD_KAFKA_CONF_OK else {
      let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw .settings("the Kafka setting \(name): \(text)")
    }
  }

  /// The user's own, which win over those set before.
  func set(_ properties: [String: String]) throws(KafkaFailure) {
    for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
      if let reason = Self.reserved[name] {
        throw .settings("the Kafka setting \(name) cannot be changed: \(reason)")
      }
      try set(name, value)
    }
  }

  /// What all clients of a worker share.
  func set(_ settings: KafkaSettings, client: String) throws(KafkaFailure) {
    try set("bootstrap.servers", settings.brokers)
    try set("client.id", client)
    try set("message.max.bytes", String(settings.largestRecord + 64 << 10))
    // Errors are told by our own log, once.
    try set("log.connection.close", "false")
  }

  /// Makes the client, which takes the settings with it.
  func client(_ type: rd_kafka_type_t, _ events: KafkaEvents) throws(KafkaFailure) -> KafkaClient {
    rd_kafka_conf_set_opaque(handle, Unmanaged.passUnretained(events).toOpaque())
    events.install(in: handle)
    var reason = [CChar](repeating: 0, count: 512)
    guard let client = rd_kafka_new(type, handle, &reason, reason.count) else {
      let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw .settings("Kafka: \(text)")
    }
    handle = nil
    return KafkaClient(client, events)
  }
}
