import Answering
import CRdKafka
import Foundation
import KafkaJobs

/// librdkafka's own mock cluster: three brokers in this process that can be made to fail, for this process and others.
/// It keeps no offsets of transactions, fences nobody and hides no aborted record; `Tests/EndToEndTests/Kafka` has a
/// broker that keeps and fences.
///
/// `@unchecked Sendable`: librdkafka locks what its handles point to.
package final class MockCluster: @unchecked Sendable {
  /// Requests by Kafka's own numbers.
  package enum Request: Int16 {
    case produce = 0
    case offsetCommit = 8
    case initProducerID = 22
    case addOffsetsToTransaction = 25
    case endTransaction = 26
  }

  package struct NoCluster: Error {}

  package let cluster: OpaquePointer
  private let client: OpaquePointer

  package init(partitions: Int32 = 4) throws {
    guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nil, 0) else { throw NoCluster() }
    guard let cluster = rd_kafka_mock_cluster_new(client, 3) else {
      rd_kafka_destroy(client)
      throw NoCluster()
    }
    (self.client, self.cluster) = (client, cluster)
    let settings = KafkaSettings(brokers: "")
    for topic in [settings.jobsTopic, settings.resultsTopic, settings.deadLettersTopic] {
      rd_kafka_mock_topic_create(cluster, topic, partitions, 3)
    }
  }

  deinit {
    rd_kafka_mock_cluster_destroy(cluster)
    rd_kafka_destroy(client)
  }

  package var brokers: String { String(cString: rd_kafka_mock_cluster_bootstraps(cluster)) }

  /// Short times, so that what must expire does so soon.
  package var settings: KafkaSettings {
    var settings = KafkaSettings(brokers: brokers)
    settings.transactionalID = "worker"
    settings.properties = [
      "session.timeout.ms": "6000", "heartbeat.interval.ms": "300",
      "topic.metadata.refresh.interval.ms": "1000",
      "reconnect.backoff.ms": "50", "reconnect.backoff.max.ms": "500", "retry.backoff.ms": "50",
    ]
    return settings
  }

  // MARK: Faults

  /// The next requests of this kind are answered so, one after another.
  package func fail(_ request: Request, _ errors: rd_kafka_resp_err_t...) {
    rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, errors.count, errors)
  }

  package func takeDown(_ broker: Int32 = -1) { rd_kafka_mock_broker_set_down(cluster, broker) }
  package func bringUp(_ broker: Int32 = -1) { rd_kafka_mock_broker_set_up(cluster, broker) }

  /// Answers take so long.
  package func slowDown(milliseconds: Int32) { rd_kafka_mock_broker_set_rtt(cluster, -1, milliseconds) }

  /// The topic is refused to whoever asks for it; nil ends that.
  package func refuse(_ topic: String, _ error: rd_kafka_resp_err_t?) {
    rd_kafka_mock_topic_set_error(cluster, topic, error ?? RD_KAFKA_RESP_ERR_NO_ERROR)
  }

  // MARK: Records

  /// Jobs whose images and questions are their numbers.
  package func submit(_ jobs: Range<Int>, questions: Int = 2) async throws {
    try await submit(
      jobs.map { job in
        let questions = (0..<questions).map { #"{"question_id":"\#($0)","text":"\#(job)"}"# }
          .joined(separator: ",")
        return Data(
          #"{"job_id":"\#(job)","image":{"uri":"\#(job).png"},"questions":[\#(questions)]}"#.utf8)
      })
  }

  /// Any messages, whatever they hold.
  package func submit(_ messages: [Data]) async throws {
    let submitter = try JobSubmitter(settings)
    for (index, message) in messages.enumerated() {
      try await submitter.submit(message, about: .uri("\(index)"), number: index + 1)
    }
    let undelivered = try await submitter.finish()
    if let failure = (undelivered.refused.merging(undelivered.missed) { $1 }).first {
      throw SubmissionFailure(description: "\(failure)")
    }
  }

  package struct SubmissionFailure: Error, CustomStringConvertible { package var description: String }

  /// Reads results and dead letters until `isDone`, told of each, is true.
  package func records(until isDone: (ResultReader.Record) throws -> Bool) async throws {
    let reader = try ResultReader(settings)
    while true {
      try Task.checkCancellation()
      if case .record(let record) = try await reader.next(), try isDone(record) { return }
    }
  }

  /// Reads until each of so many jobs has all its results; how often each came, by `job/question`, and dead letters as
  /// all of their job's.
  ///
  /// - Parameter first: raised when something was read.
  package func results(of jobs: Int, questions: Int = 2, first: Signal? = nil) async throws -> [String: Int] {
    var found: [String: Int] = [:]
    try await records { record in
      first?.raise()
      if record.isDeadLetter {
        let letter = try DeadLetter(json: record.value)
        for question in 0..<questions { found["\(letter.jobID ?? "?")/\(question)", default: 0] += 1 }
      } else {
        let result = try JobResult(json: record.value)
        found["\(result.jobID)/\(result.questionID)", default: 0] += 1
      }
      return found.count == jobs * questions
    }
    return found
  }
}
