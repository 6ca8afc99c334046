import Foundation

/// How the worker reaches its brokers, what it reads and writes there, and how much it holds.
public struct KafkaSettings: Sendable, Equatable {
  /// `host:port`, several divided by commas.
  public var brokers: String
  public var group = "focus"
  public var jobsTopic = "focus.jobs"
  public var resultsTopic = "focus.results"
  public var deadLettersTopic = "focus.dead-letters"
  public var delivery = DeliveryGuarantee.exactlyOnce
  /// What names this worker's transactions: of two workers with one name, the older is fenced. nil takes the group
  /// and the host's name.
  public var transactionalID: String?
  /// librdkafka's own settings by name: security, timeouts. They win over what is set here, but for those that the
  /// promise hangs on, which are refused.
  public var properties: [String: String] = [:]
  /// How often a job may be begun without an end before it is rejected, where attempts are counted.
  public var attemptLimit = 3
  /// Bytes of the largest record read or written.
  public var largestRecord = 8 << 20
  /// Jobs read ahead of the pipeline, at most, and their bytes; at least one is read whatever its size.
  public var readAhead = 64
  public var readAheadBytes = 64 << 20

  public init(brokers: String) {
    self.brokers = brokers
  }

  var resolvedTransactionalID: String { transactionalID ?? "\(group)-\(ProcessInfo.processInfo.hostName)" }
}

public enum DeliveryGuarantee: String, Sendable, CaseIterable {
  /// Results and offsets are committed in one transaction: a `read_committed` reader sees each once.
  case exactlyOnce = "exactly-once"
  /// A result can appear twice, under the same ids.
  case atLeastOnce = "at-least-once"
}
