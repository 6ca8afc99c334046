import Answering
import BlockingCalls
import CRdKafka
import Crypto
import Foundation
import Logging

/// Puts jobs into the topic.
public actor JobSubmitter {
  private static let longest = Duration.seconds(60)

  private let executor = BlockingExecutor(name: "focus.kafka.submit")
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let client: KafkaClient
  private let topic: KafkaTopic
  private var failed: [Int: KafkaError] = [:]

  /// Throws `KafkaFailure.settings`. Brokers that cannot be reached are waited for, as long as a record may take.
  public init(_ settings: KafkaSettings, log: Logger = Logger(label: "focus.kafka")) throws(KafkaFailure) {
    let configuration = KafkaConfiguration()
    try configuration.set(settings, client: "focus-submit")
    try configuration.set("linger.ms", "20")
    try configuration.set(settings.properties)
    try configuration.set("enable.idempotence", "true")
    client = try configuration.client(RD_KAFKA_PRODUCER, KafkaEvents(log: log))
    topic = try KafkaTopic(settings.jobsTopic, of: client)
  }

  /// Queues one job's message. Waits while the queue is full.
  ///
  /// Throws `KafkaFailure.broken` once the brokers have taken nothing for as long as a record may wait: what follows
  /// would wait as long, one after the other.
  ///
  /// - Parameter number: above 0; names the message where it cannot be delivered.
  public func submit(_ message: Data, about image: ImageReference, number: Int) throws {
    let key = Array(image.recordKey.utf8)
    let deadline = ContinuousClock.now + Self.longest
    while true {
      try stopIfMissed()
      do throws(KafkaError) {
        try topic.produce(message, key: key, number: number)
        rd_kafka_poll(client.handle, 0)
        return
      } catch {
        guard error.code == RD_KAFKA_RESP_ERR__QUEUE_FULL else {
          failed[number] = error
          return
        }
        guard ContinuousClock.now < deadline else { throw takesNothing(error) }
        try Task.checkCancellation()
        rd_kafka_poll(client.handle, 100)
      }
    }
  }

  /// Messages that did not arrive, by their numbers, each with why.
  public struct Undelivered: Sendable {
    /// No broker will take these.
    public var refused: [Int: String] = [:]
    /// No broker was there to take these.
    public var missed: [Int: String] = [:]
  }

  /// Waits until all is delivered, or has waited as long as a record may.
  public func finish() throws -> Undelivered {
    while rd_kafka_flush(client.handle, 500) == RD_KAFKA_RESP_ERR__TIMED_OUT { try Task.checkCancellation() }
    takeFailures()
    return Undelivered(
      refused: failed.filter(\.value.isRefusal).mapValues(\.description),
      missed: failed.filter { !$0.value.isRefusal }.mapValues(\.description))
  }

  private func takeFailures() {
    failed.merge(client.events.takeFailedRecords()) { first, _ in first }
  }

  private func stopIfMissed() throws {
    takeFailures()
    if let error = failed.values.first(where: { !$0.isRefusal }) { throw takesNothing(error) }
  }

  private func takesNothing(_ error: KafkaError) -> KafkaFailure {
    .broken("\(topic.name) takes no records: \(error)")
  }
}

extension ImageReference {
  /// The key of a job's record: one image's jobs meet in one partition.
  var recordKey: String {
    switch self {
    case .uri(let uri): uri
    case .data(let data): SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
    }
  }
}
