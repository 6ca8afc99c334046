import Adversary
import Foundation
import Testing

@testable import Answering
@testable import FileJobs

@Suite struct LlavaFileTests {
  static func line(_ id: String, _ text: String, image: String = "cat.jpg") -> String {
    #"{"question_id":\#(id),"image":"\#(image)","text":"\#(text)","category":"default"}"# + "\n"
  }

  static let questions =
    line("7", "What?") + line(#""x:y""#, "Who?") + line("7", "Why?") + line("7", "What?")
    + #"{"question_id":9,"image":"cat.jpg"}"# + "\n" + line("8", "What?", image: "gone.jpg")

  @Test func answersEchoIDAndText() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.questions, to: "in.jsonl")
    var worker = EchoWorker()
    worker.failing = ["gone.jpg"]
    let run = try folder.open()
    try await worker.run(run)

    #expect(run.format == .llava)
    #expect(worker.jobs.map(\.questions.count) == [4, 1])
    let records = try folder.lines("out.jsonl").map { try JSONFields(JSONValue(parsing: Data($0.utf8))) }
    #expect(
      records.map { $0["question_id"] } == [
        .integer(9), .integer(7), .string("x:y"), .integer(7), .integer(7), .integer(8),
      ])
    #expect(
      records.map { $0["prompt"] } == ["", "What?", "Who?", "Why?", "What?", "What?"].map { .string($0) })
    #expect(records.map { $0["text"] } == ["", "WHAT?", "WHO?", "WHY?", "WHAT?", ""].map { .string($0) })
    #expect(Set(records.map { $0["answer_id"] }).count == 6)
    #expect(records.allSatisfy { $0["model_id"] == .string("echo") })
    #expect(try records.last?.object("metadata")?.object("error")?["code"] == .string("image_unreachable"))
  }

  @Test func aByteOrderMarkIsPassedOver() async throws {
    let folder = try TemporaryFolder()
    try folder.write("\u{FEFF}" + Self.line("7", "What?"), to: "in.jsonl")
    var worker = EchoWorker()
    let run = try folder.open()
    try await worker.run(run)
    #expect(run.format == .llava && worker.asked.count == 1)
  }

  @Test func anInterruptedRunGoesOnWhereItStopped() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.questions, to: "in.jsonl")
    var worker = EchoWorker()
    try await worker.run(try folder.open())
    let whole = try folder.read("out.jsonl")

    for kept in 0...6 {
      let start = whole.split(separator: "\n").prefix(kept).map { $0 + "\n" }.joined()
      try folder.write(start + #"{"question_id":7,"pro"#, to: "out.jsonl")
      var resumed = EchoWorker()
      try await resumed.run(try folder.open())
      #expect(resumed.asked.count + resumed.rejections.count == 6 - kept)
      #expect(try Set(folder.lines("out.jsonl")) == Set(whole.split(separator: "\n").map(String.init)))
    }
  }
}
