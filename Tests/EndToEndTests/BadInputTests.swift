import Adversary
import Foundation
import Testing

extension EndToEnd {
  /// Every kind of bad input, each between good neighbours.
  @Suite struct BadInputTests {
    /// Jobs that share their images with the bad ones.
    private static let neighbours: [@Sendable (String) -> String] = [
      { jobLine($0) },
      { jobLine($0, uri: "quarters.png", text: "What colour is it?") },
      { jobLine($0, text: "Where?", parameters: #"{"temperature":1.5,"seed":7}"#) },
      { jobLine($0, uri: "pixel.png", parameters: #"{"choices":["red","reddish","blue"]}"#) },
    ]

    @Test func badInputIsNamedAndItsNeighboursAreAnsweredAsIfAlone() async throws {
      let folder = try TemporaryFolder()
      try BadRow.makeImages(in: folder)
      let server = try BadRow.server()
      let rows = BadRow.messages + BadRow.questions + BadRow.images(in: folder) + BadRow.urls(server)
      let hosts = (BadRow.allowedHosts + [server.host]).flatMap { ["--allow-host", $0] }
      let options = hosts + ["--image-root", folder.path("images"), "--jobs-in-flight", "3"]

      var input = Data()
      for (index, row) in rows.enumerated() {
        input += Data((Self.neighbour(index) + "\n").utf8) + row.line + [UInt8(ascii: "\n")]
      }
      try folder.write(input + Data((Self.neighbour(rows.count) + "\n").utf8), to: "in.jsonl")
      let ending = try await folder.run("in.jsonl", output: "out.jsonl", options).end()

      #expect(ending.status == 1, "\(ending)")
      let results = try folder.results("out.jsonl")
      #expect(results.count == 2 * rows.count + 1)
      for (index, row) in rows.enumerated() { check(row, line: 2 * index + 2, results) }

      let alone = try await answersAlone(folder, options)
      let answers = Dictionary(grouping: results) { $0.jobId }
      for index in 0...rows.count {
        let answer = answers["good-\(index)"]?.first
        #expect(answer?.answer == alone[index % alone.count], "good-\(index)")
      }
      let choices = answers["choices"]?.first?.choiceProbabilities ?? [:]
      #expect(Set(choices.keys) == ["cat", "cat and dog", "catalogue", "c"])
      #expect(abs(choices.values.reduce(0, +) - 1) < 1e-9)
      #expect(answers["control tokens"]?.first?.answer != alone[0])
      // The refused addresses' names are of use; secrets in them are not.
      #expect(!ending.errors.contains("secret"))
      #expect(ending.errors.contains("jobs rejected"))
    }

    @Test func imagesBeyondALowPixelLimitAreRefused() async throws {
      let folder = try TemporaryFolder()
      try folder.add(images: ["flat.png", "cat.jpg", "thin.png", "quarters.png"])
      try folder.write(BadRow.fewPixels.map { String(decoding: $0.line, as: UTF8.self) }, to: "in.jsonl")
      let ending = try await folder.run("in.jsonl", output: "out.jsonl", ["--max-pixels", "60000"]).end()

      #expect(ending.status == 1)
      let results = try folder.results("out.jsonl")
      for (index, row) in BadRow.fewPixels.enumerated() { check(row, line: index + 1, results) }
    }

    /// The first is seen in no column of the map, the second in no row: in the overview alone.
    @Test(arguments: ["llava-next-gqa", "llava-1.5-mha"])
    func extremeShapesAreAnswered(model: String) async throws {
      let folder = try TemporaryFolder()
      let images = ["thin.png", "wide.png", "pixel.png"]
      try folder.add(images: images)
      try folder.write(images.map { jobLine($0, uri: $0) }, to: "in.jsonl")
      let ending = try await folder.run("in.jsonl", output: "out.jsonl", model: model).end()

      #expect(ending.status == 0, "\(ending.errors)")
      let results = try folder.results("out.jsonl")
      #expect(Set(results.map(\.jobId)) == Set(images))
      #expect(results.allSatisfy { $0.answer?.isEmpty == false })
    }

    /// The limit is 96 MiB a line.
    @Test func aLineBeyondTheByteLimitIsRefused() async throws {
      let folder = try TemporaryFolder()
      try folder.add(images: ["cat.jpg"])
      let data = String(repeating: "A", count: 97 << 20)
      let lines = [jobLine("before"), jobLine("large", image: #"{"data":"\#(data)"}"#), jobLine("after")]
      try folder.write(lines, to: "in.jsonl")
      let ending = try await folder.run("in.jsonl", output: "out.jsonl").end()

      #expect(ending.status == 1)
      let results = try folder.results("out.jsonl")
      #expect(results.count == 3)
      let refusal = try #require(results.first { $0.jobId == "large" })
      #expect(refusal.failure?.code == "payload_too_large")
      #expect(refusal.message?.contains("100663296 are allowed") == true)
      let answers = results.filter { $0.jobId != "large" }.map(\.answer)
      #expect(answers.count == 2 && answers[0] != nil && answers[0] == answers[1])
    }

    private static func neighbour(_ index: Int) -> String {
      neighbours[index % neighbours.count]("good-\(index)")
    }

    /// What each neighbour gets in a run of its own.
    private func answersAlone(_ folder: TemporaryFolder, _ options: [String]) async throws -> [String] {
      var answers: [String] = []
      for (index, neighbour) in Self.neighbours.enumerated() {
        try folder.write([neighbour("alone")], to: "alone-\(index).jsonl")
        let run = try folder.run("alone-\(index).jsonl", output: "alone-\(index).out", options)
        #expect(await run.end().status == 0)
        answers.append(try #require(folder.results("alone-\(index).out").first?.answer))
      }
      return answers
    }

    private func check(_ row: BadRow, line: Int, _ results: [OutputLine]) {
      let found = results.filter { $0.source?.line == line || ($0.reason == nil && $0.jobId == row.name) }
      guard found.count == 1, let result = found.first else {
        Issue.record("\(row.name): \(found.count) lines of output")
        return
      }
      switch row.outcome {
      case .answered:
        #expect(result.answer != nil, "\(row.name): \(result.failure?.message ?? "")")
      case .refused(let reason, let words), .failed(let reason, let words):
        let message = result.failure?.message ?? ""
        if case .refused = row.outcome {
          #expect(result.reason == reason.rawValue, "\(row.name): \(message)")
        } else {
          #expect(result.error?.code == reason.rawValue, "\(row.name): \(message)")
        }
        for word in words { #expect(message.contains(word), "\(row.name): \(message)") }
        #expect(message.count < 1_000 && !message.contains { $0.isNewline || $0 == "\0" }, "\(row.name)")
      }
    }
  }
}
