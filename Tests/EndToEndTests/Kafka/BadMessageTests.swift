import Adversary
import Answering
import Foundation
import KafkaCluster
import KafkaJobs
import Testing

extension EndToEnd {
  /// Every kind of bad input as a record of the topic, each between good neighbours.
  @Suite(.timeLimit(.minutes(3))) struct BadMessageTests {
    private static let neighbours: [@Sendable (String) -> String] = [
      { jobLine($0) },
      { jobLine($0, uri: "quarters.png", text: "What colour is it?") },
      { jobLine($0, uri: "pixel.png", parameters: #"{"choices":["red","reddish","blue"]}"#) },
    ]

    /// What no line of a file can be.
    private static let records: [BadRow] = [
      .line("an empty value", Data(), .refused(.schemaViolation, ["empty"])),
      .job("too large", .refused(.payloadTooLarge, ["500000"]), text: String(repeating: "?", count: 600_000)),
    ]

    @Test func eachIsADeadLetterAndItsNeighboursAreAnswered() async throws {
      let folder = try TemporaryFolder()
      try BadRow.makeImages(in: folder)
      let server = try BadRow.server()
      let hosts = (BadRow.allowedHosts + [server.host]).flatMap { ["--allow-host", $0] }
      let rows =
        (Self.records + BadRow.messages + BadRow.questions + BadRow.images(in: folder) + BadRow.urls(server))
        // In a topic, a job may come twice.
        .filter { $0.name != "job twice" }
      let messages = rows.enumerated().flatMap { index, row in
        [Data(Self.neighbours[index % Self.neighbours.count]("good-\(index)").utf8), row.line]
      }
      // One partition: the records' offsets are their places in the list.
      let cluster = try MockCluster(partitions: 1)
      try await cluster.submit(messages)
      let worker = try FocusRun(
        [
          "worker", "--model", Package.model("llava-next-gqa"), "--threads", "1", "--max-tokens", "6",
          "--image-root", folder.path("images"), "--cache", "memory", "--listen", "none",
          "--brokers", cluster.brokers, "--transactional-id", "one", "--largest-record", "500000",
        ] + hosts, in: folder)
      var found = Found()
      try await cluster.records { record in
        try found.add(record)
        return found.places.count == messages.count
      }
      worker.send(SIGTERM)
      let ending = await worker.end()
      #expect(ending.status == 0, "\(ending.errors)")

      for (index, row) in rows.enumerated() { check(row, offset: Int64(2 * index + 1), found) }
      for first in 0..<Self.neighbours.count {
        let answers = stride(from: first, to: rows.count, by: Self.neighbours.count).map {
          found.results["good-\($0)"]?.answer
        }
        #expect(answers.allSatisfy { $0 != nil && $0 == answers[0] }, "\(first): \(answers)")
      }
      #expect(!ending.errors.contains("secret"))
    }

    /// What came out, by job and by offset.
    private struct Found {
      var results: [String: JobResult] = [:]
      var letters: [Int64: DeadLetter] = [:]

      /// One for each record of the jobs topic.
      var places: Set<String> { Set(results.keys).union(letters.keys.map { "@\($0)" }) }

      mutating func add(_ record: ResultReader.Record) throws {
        guard record.isDeadLetter else {
          let result = try JobResult(json: record.value)
          results[result.jobID] = result
          return
        }
        let letter = try DeadLetter(json: record.value)
        guard case .record("focus.jobs", 0, let offset, _) = letter.origin else {
          Issue.record("\(letter)")
          return
        }
        letters[offset] = letter
      }
    }

    private func check(_ row: BadRow, offset: Int64, _ found: Found) {
      switch row.outcome {
      case .answered:
        #expect(found.results[row.name]?.answer != nil, "\(row.name): \(found.letters[offset] as Any)")
      case .failed(let reason, let words):
        guard case .failure(let rejection)? = found.results[row.name]?.outcome else {
          Issue.record("\(row.name) has no error")
          return
        }
        check(row, rejection, reason, words)
      case .refused(let reason, let words):
        guard let letter = found.letters[offset] else {
          Issue.record("\(row.name) has no dead letter")
          return
        }
        check(row, letter.rejection, reason, words)
        #expect(letter.payload.map { row.line.starts(with: $0.bytes) } ?? row.line.isEmpty, "\(row.name)")
      }
    }

    private func check(_ row: BadRow, _ found: Rejection, _ reason: RejectionReason, _ words: [String]) {
      #expect(found.reason == reason, "\(row.name): \(found)")
      for word in words { #expect(found.message.contains(word), "\(row.name): \(found)") }
    }
  }
}

extension JobResult {
  fileprivate var answer: String? { try? outcome.get().text }
}
