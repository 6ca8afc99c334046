import Answering
import BlockingCalls
import CRdKafka
import Foundation
import Logging

/// A worker's connection: jobs come from `source`, outcomes go to `sink`.
///
/// When it breaks, both throw the `KafkaFailure`; a new connection then goes on from the committed offsets.
public final class KafkaConnection: Sendable {
  private static let longestClose = Duration.seconds(8)

  public let source: KafkaJobSource
  public let sink: KafkaResultSink
  private let hands: JobsInHand
  private let consumer: Consumer
  private let publisher: Publisher
  private let threads: [NamedThread]
  private let log: Logger

  /// Joins the group. Throws `KafkaFailure.settings` where librdkafka takes a setting not; brokers that cannot be
  /// reached are waited for.
  ///
  /// - Parameters:
  ///   - attempts: where beginnings are counted, so that a job that kills its workers ends as a dead letter.
  ///   - onLag: given every five seconds, for each partition in this worker's hands, how many records are not yet
  ///     committed. Called on a thread of its own.
  public init(
    _ settings: KafkaSettings, limits: JobLimits = .records, defaults: GenerationParameters = .init(),
    attempts: (any AttemptCounts)? = nil, log: Logger = Logger(label: "focus.kafka"),
    onLag: (@Sendable ([Int32: Int64]) -> Void)? = nil
  ) throws(KafkaFailure) {
    let hands = JobsInHand(readAhead: settings.readAhead, readAheadBytes: settings.readAheadBytes)
    let committing = CommitLock()
    let onStatistics = onLag.map { onLag in
      { @Sendable (statistics: String) in
        guard let ends = PartitionEnds(statistics: statistics) else { return }
        // librdkafka's own lag knows nothing of offsets that a transaction commits.
        let lags = hands.positions().compactMap { partition, position in
          ends.lag(settings.jobsTopic, partition, position: position).map { (partition, $0) }
        }
        onLag(Dictionary(uniqueKeysWithValues: lags))
      }
    }
    let consumer = try Consumer(settings, hands, committing, log: log, onStatistics: onStatistics)
    let publisher = Publisher(settings, hands, consumer, committing, log: log)
    self.hands = hands
    self.consumer = consumer
    self.publisher = publisher
    self.log = log
    source = KafkaJobSource(
      hands, settings, limits: limits, defaults: defaults,
      attempts: attempts.map { AttemptTally($0, log: log) },
      madeRoom: { consumer.madeRoom() })
    sink = KafkaResultSink(hands, largestRecord: settings.largestRecord, wake: { publisher.wake() })
    threads = [
      NamedThread("focus.consume") { consumer.run() }, NamedThread("focus.publish") { publisher.run() },
    ]
  }

  /// Whether partitions are in this worker's hands.
  public var isAssigned: Bool { consumer.assignedCount > 0 }

  /// Leaves the group, so that others take over at once. Outcomes that wait are dropped: the pipeline has ended.
  ///
  /// Brokers that do not answer are waited for some seconds, and no longer: supervisors lose their patience.
  public func close() async {
    await source.close()
    hands.end()
    consumer.stop()
    publisher.stop()
    let ended = Signal()
    _ = NamedThread("focus.close") { [threads] in
      for thread in threads { thread.join() }
      ended.raise()
    }
    // In a task of its own: the caller's may be cancelled, and the group is to be left all the same.
    _ = await Task { try? await ended.raised(within: Self.longestClose) }.value
    if !ended.isRaised { log.warning("Kafka: the brokers do not answer; what is open there ends by its age") }
  }
}
