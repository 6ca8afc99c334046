import BlockingCalls
import CRdKafka
import Foundation
import Logging

/// Reads results and dead letters out of their topics, committed ones only, from all partitions. It is in no group, so
/// that any number of readers sees everything.
public actor ResultReader {
  private static let pollMilliseconds: Int32 = 200
  private static let metadataMilliseconds: Int32 = 10_000

  private let executor = BlockingExecutor(name: "focus.kafka.collect")
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let client: KafkaClient
  private let topics: [String]
  private let deadLetters: String
  private let since: Date?
  private let log: Logger
  /// Codes of the errors that were logged.
  private var toldErrors: Set<Int32> = []
  private var isAssigned = false
  /// Partitions, by topic and number, of which more may lie there.
  private var unread: Set<String> = []

  /// A record, as it was written.
  public struct Record: Sendable {
    public var isDeadLetter: Bool
    public var value: Data
  }

  public enum Event: Sendable {
    case record(Record)
    /// Everything that is there has been read.
    case atEnd
    /// No record, but a step on: the partitions are known, or one of them has been read to its end.
    case progress
    /// Nothing came for a moment.
    case nothing
  }

  /// - Parameter since: records written before are passed over; nil reads from the topics' beginning.
  public init(
    _ settings: KafkaSettings, since: Date? = nil, log: Logger = Logger(label: "focus.kafka")
  ) throws(KafkaFailure) {
    let configuration = KafkaConfiguration()
    try configuration.set(settings, client: "focus-collect")
    // librdkafka wants a group's name also where there is none.
    try configuration.set("group.id", "focus-collect-\(UUID().uuidString)")
    try configuration.set("auto.offset.reset", "earliest")
    try configuration.set(settings.properties)
    try configuration.set("enable.partition.eof", "true")
    try configuration.set("enable.auto.commit", "false")
    try configuration.set("enable.auto.offset.store", "false")
    try configuration.set("isolation.level", "read_committed")
    client = try configuration.client(RD_KAFKA_CONSUMER, KafkaEvents(log: log))
    rd_kafka_poll_set_consumer(client.handle)
    topics = [settings.resultsTopic, settings.deadLettersTopic]
    deadLetters = settings.deadLettersTopic
    self.since = since
    self.log = log
  }

  deinit { rd_kafka_consumer_close(client.handle) }

  /// What comes next. Throws `KafkaFailure` where the brokers cannot be reached, and where a topic does not exist,
  /// has gone or may not be read.
  public func next() throws -> Event {
    if !isAssigned {
      try assign()
      return .progress
    }
    guard let message = rd_kafka_consumer_poll(client.handle, Self.pollMilliseconds) else { return .nothing }
    defer { rd_kafka_message_destroy(message) }
    let code = message.pointee.err
    if code == RD_KAFKA_RESP_ERR__PARTITION_EOF {
      unread.remove("\(topicName(message)) \(message.pointee.partition)")
      return unread.isEmpty ? .atEnd : .progress
    }
    if code != RD_KAFKA_RESP_ERR_NO_ERROR {
      let reason = rd_kafka_message_errstr(message).map { String(cString: $0) }
      try meet(KafkaError(code, reason), reading: topicName(message))
      return .nothing
    }
    guard let payload = message.pointee.payload else { return .progress }
    return .record(
      Record(
        isDeadLetter: topicName(message) == deadLetters,
        value: Data(bytes: payload, count: message.pointee.len)))
  }

  /// Throws what no waiting mends. librdkafka tries again after all else, which is told once for each code.
  private func meet(_ error: KafkaError, reading topic: String) throws(KafkaFailure) {
    if let error = client.fatalError { throw error.failure }
    if error.endsReading { throw .broken("\(topic) cannot be read: \(error)") }
    if toldErrors.insert(error.code.rawValue).inserted { log.warning("Kafka, reading \(topic): \(error)") }
  }

  /// Both topics' where a message is about none.
  private func topicName(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> String {
    guard let topic = message.pointee.rkt else { return topics.joined(separator: " and ") }
    return String(cString: rd_kafka_topic_name(topic))
  }

  private func assign() throws {
    let partitions = KafkaPartitions()
    for topic in topics {
      for number in 0..<(try partitionCount(of: topic)) {
        partitions.add(topic, number, offset: startOffset)
        unread.insert("\(topic) \(number)")
      }
    }
    do throws(KafkaError) {
      if since != nil {
        try check(rd_kafka_offsets_for_times(client.handle, partitions.list, Self.metadataMilliseconds))
      }
      try check(rd_kafka_assign(client.handle, partitions.list))
    } catch {
      throw error.failure
    }
    isAssigned = true
  }

  /// A time where offsets are asked by it.
  private var startOffset: Int64 {
    since.map { Int64($0.timeIntervalSince1970 * 1000) } ?? Int64(RD_KAFKA_OFFSET_BEGINNING)
  }

  private func partitionCount(of name: String) throws -> Int32 {
    let topic = try KafkaTopic(name, of: client)
    do throws(KafkaError) {
      return try topic.partitionCount(milliseconds: Self.metadataMilliseconds)
    } catch {
      throw KafkaFailure.broken("the topic \(name) cannot be looked up: \(error)")
    }
  }
}

extension KafkaError {
  /// Whether it stays so until somebody gives a right or makes a topic. librdkafka itself asks again for long
  /// before it says that a topic which was there is unknown.
  var endsReading: Bool {
    code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
      || code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED
      || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
      || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION
  }
}
