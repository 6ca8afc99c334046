import CRdKafka
import Logging
import Synchronization

/// What librdkafka tells of its own accord: log lines, errors, statistics, delivery reports, rebalances.
///
/// The first come on librdkafka's own threads, the last two on the thread that polls.
final class KafkaEvents: Sendable {
  typealias Rebalance = @Sendable (_ isAssigned: Bool, _ partitions: borrowing KafkaPartitions) -> Void

  private let log: Logger
  private let onStatistics: (@Sendable (String) -> Void)?
  private let onRebalance: Rebalance?
  /// Failed records of the transaction in hand, by the number that they were produced with.
  private let failedRecords = Mutex<[Int: KafkaError]>([:])

  init(
    log: Logger, onStatistics: (@Sendable (String) -> Void)? = nil, onRebalance: Rebalance? = nil
  ) {
    self.log = log
    self.onStatistics = onStatistics
    self.onRebalance = onRebalance
  }

  func takeFailedRecords() -> [Int: KafkaError] {
    failedRecords.withLock { failed in
      defer { failed = [:] }
      return failed
    }
  }

  /// `configuration` is to be made a client that this object outlives.
  func install(in configuration: OpaquePointer?) {
    rd_kafka_conf_set_log_cb(configuration) { client, level, facility, text in
      guard let client, let text else { return }
      // One list of settings serves consumer and producer; each remarks what is the other's.
      let isRemark = facility.map { String(cString: $0) } == "CONFWARN"
      KafkaEvents.of(rd_kafka_opaque(client))?.write(level: isRemark ? 7 : level, String(cString: text))
    }
    rd_kafka_conf_set_error_cb(configuration) { _, code, reason, opaque in
      guard let reason else { return }
      KafkaEvents.of(opaque)?.report(rd_kafka_resp_err_t(code), String(cString: reason))
    }
    rd_kafka_conf_set_dr_msg_cb(configuration) { _, message, opaque in
      guard let message = message?.pointee, message.err != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
      let number = Int(bitPattern: message._private)
      KafkaEvents.of(opaque)?.failedRecords.withLock { $0[number] = KafkaError(message.err) }
    }
    if onStatistics != nil {
      rd_kafka_conf_set_stats_cb(configuration) { _, json, length, opaque in
        guard let json else { return 0 }
        let bytes = UnsafeRawBufferPointer(start: json, count: length)
        KafkaEvents.of(opaque)?.onStatistics?(String(decoding: bytes, as: UTF8.self))
        return 0
      }
    }
    if onRebalance != nil {
      rd_kafka_conf_set_rebalance_cb(configuration) { _, code, partitions, opaque in
        guard let partitions else { return }
        KafkaEvents.of(opaque)?.onRebalance?(
          code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, KafkaPartitions(borrowing: partitions))
      }
    }
  }

  private static func of(_ opaque: UnsafeMutableRawPointer?) -> KafkaEvents? {
    opaque.map { Unmanaged<KafkaEvents>.fromOpaque($0).takeUnretainedValue() }
  }

  /// librdkafka's levels are syslog's.
  private func write(level: Int32, _ text: String) {
    log.log(level: level <= 3 ? .warning : level <= 5 ? .info : .debug, "librdkafka: \(text)")
  }

  /// It goes on by itself; what ends a client comes from the calls too.
  private func report(_ code: rd_kafka_resp_err_t, _ reason: String) {
    log.warning("Kafka: \(reason) (\(String(cString: rd_kafka_err2name(code))))")
  }
}
