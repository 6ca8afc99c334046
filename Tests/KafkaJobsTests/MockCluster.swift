import Answering
import CRdKafka
import Foundation
import Testing

@testable import KafkaJobs

/// librdkafka's own mock cluster: three brokers in this process that can be made to fail. It keeps no offsets of
/// transactions and hides no aborted record; `Tests/EndToEndTests/Kafka` runs on a broker that does.
///
/// `@unchecked Sendable`: librdkafka locks what its handles point to.
final class MockCluster: @unchecked Sendable {
  /// Requests by Kafka's own numbers.
  enum Request: Int16 {
    case produce = 0
    case initProducerID = 22
    case addOffsetsToTransaction = 25
    case endTransaction = 26
    case offsetCommit = 8
  }

  let cluster: OpaquePointer
  private let client: OpaquePointer

  init(partitions: Int32 = 4) throws {
    client = try #require(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nil, 0))
    cluster = try #require(rd_kafka_mock_cluster_new(client, 3))
    let settings = KafkaSettings(brokers: "")
    for topic in [settings.jobsTopic, settings.resultsTopic, settings.deadLettersTopic] {
      rd_kafka_mock_topic_create(cluster, topic, partitions, 3)
    }
  }

  deinit {
    rd_kafka_mock_cluster_destroy(cluster)
    rd_kafka_destroy(client)
  }

  /// Short times, so that what must expire does so soon.
  var settings: KafkaSettings {
    var settings = KafkaSettings(brokers: String(cString: rd_kafka_mock_cluster_bootstraps(cluster)))
    settings.transactionalID = "worker"
    settings.properties = [
      "session.timeout.ms": "6000", "heartbeat.interval.ms": "300",
      "topic.metadata.refresh.interval.ms": "1000",
      "reconnect.backoff.max.ms": "200", "retry.backoff.ms": "50",
    ]
    return settings
  }

  /// The next requests of this kind are answered so, one after another.
  func fail(_ request: Request, _ errors: rd_kafka_resp_err_t...) {
    rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, errors.count, errors)
  }

  func takeDown(_ broker: Int32 = -1) { rd_kafka_mock_broker_set_down(cluster, broker) }
  func bringUp(_ broker: Int32 = -1) { rd_kafka_mock_broker_set_up(cluster, broker) }

  func submit(_ jobs: Range<Int>, questions: Int = 2) async throws {
    let submitter = try JobSubmitter(settings)
    for job in jobs {
      let questions = (0..<questions).map { #"{"question_id":"\#($0)","text":"\#(job)"}"# }.joined(
        separator: ",")
      let image = "\(job).png"
      let message = #"{"job_id":"\#(job)","image":{"uri":"\#(image)"},"questions":[\#(questions)]}"#
      try await submitter.submit(Data(message.utf8), about: .uri(image), number: job + 1)
    }
    #expect(try await submitter.finish().isEmpty)
  }

  /// Reads until each of so many jobs has all its results; the records by `job/question`, and dead letters by their job.
  func results(of jobs: Int, questions: Int = 2) async throws -> [String: Int] {
    let reader = try ResultReader(settings)
    var found: [String: Int] = [:]
    while found.count < jobs * questions {
      try Task.checkCancellation()
      guard case .record(let record) = try await reader.next() else { continue }
      if record.isDeadLetter {
        let letter = try DeadLetter(json: record.value)
        for question in 0..<questions { found["\(letter.jobID ?? "?")/\(question)", default: 0] += 1 }
      } else {
        let result = try JobResult(json: record.value)
        found["\(result.jobID)/\(result.questionID)", default: 0] += 1
      }
    }
    return found
  }
}
