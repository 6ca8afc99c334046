import CRdKafka

/// What librdkafka reports, with what it says about going on.
struct KafkaError: Error, CustomStringConvertible {
  var code: rd_kafka_resp_err_t
  var message: String
  /// The client can do nothing more.
  var isFatal = false
  /// The same call may succeed.
  var isRetriable = false
  /// The transaction must be aborted, then may be begun anew.
  var requiresAbort = false

  init(_ code: rd_kafka_resp_err_t, _ message: String? = nil) {
    self.code = code
    self.message = message ?? String(cString: rd_kafka_err2str(code))
  }

  /// Takes what a call returned, and frees it; nil where it succeeded.
  init?(taking error: OpaquePointer?) {
    guard let error else { return nil }
    defer { rd_kafka_error_destroy(error) }
    code = rd_kafka_error_code(error)
    message = String(cString: rd_kafka_error_string(error))
    isFatal = rd_kafka_error_is_fatal(error) != 0
    isRetriable = rd_kafka_error_is_retriable(error) != 0
    requiresAbort = rd_kafka_error_txn_requires_abort(error) != 0
  }

  var name: String { String(cString: rd_kafka_err2name(code)) }

  var description: String { "\(message) (\(name))" }

  /// Whether a newer client with this one's name has been seen.
  var isFencing: Bool {
    code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED
      || code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH || code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
  }

  /// Whether no broker answers.
  var isUnanswered: Bool {
    code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT
      || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN
  }

  /// Whether it is about one record alone, which no broker will take.
  var isRefusal: Bool {
    code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR_INVALID_RECORD
      || code == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE
  }

  /// Whether it is a record that was dropped on this side.
  var isPurge: Bool {
    code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT
  }

  /// What an error that cannot be retried means for the worker.
  var failure: KafkaFailure { isFencing ? .fenced(description) : .broken(description) }
}

/// Throws what a call that returns an error object reports.
func check(_ error: OpaquePointer?) throws(KafkaError) {
  if let error = KafkaError(taking: error) { throw error }
}

/// Throws what a call that returns a code reports.
func check(_ code: rd_kafka_resp_err_t) throws(KafkaError) {
  if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code) }
}
