import Adversary
import Testing

@testable import FileJobs

/// A run that continues an output counts the failures that it holds.
@Suite struct EarlierFailureTests {
  private func failures(_ name: String, _ input: String) async throws -> [Int] {
    let folder = try TemporaryFolder()
    try folder.write(input, to: name)
    func open() throws -> FileRun {
      try FileRun(
        input: folder.path(name), output: folder.path("out"), model: EchoWorker.model, settings: [:],
        imageTemplate: "{image_id}.jpg")
    }
    let first = try open()
    var worker = EchoWorker()
    worker.failing = ["gone.jpg", "7.jpg", "long", "ask long"]
    try await worker.run(first)
    return [first.failedEarlier, try open().failedEarlier]
  }

  @Test func everyFormatTellsThem() async throws {
    let jobs = JobFileTests.line("a", ["1", "long"]) + "{oops\n" + JobFileTests.line("b", ["2"])
    #expect(try await failures("in.jsonl", jobs) == [0, 2])
    let batch =
      BatchFileTests.line("a") + "{oops\n" + BatchFileTests.line("b", text: "long")
      + BatchFileTests.line("c", image: "gone.jpg")
    #expect(try await failures("in.jsonl", batch) == [0, 3])
    #expect(try await failures("in.jsonl", LlavaFileTests.questions) == [0, 2])
    // The id that comes twice has no record: it is refused again by each run, and counts there.
    #expect(try await failures("in.json", VQAFileTests.document) == [0, 1])
  }
}
