import Adversary
import Foundation
import Testing

@testable import Answering
@testable import FileJobs

@Suite struct VQAFileTests {
  static let document = """
    {"info": {"year": 2017},
     "questions": [
      {"image_id": 42, "question": "What?", "question_id": 42000}, {"image_id": 42, "question": "Who?", "question_id": 42001},
      {"image_id": 42, "question": "Again?", "question_id": 42000},
      {"image_id": 7, "question": "Where?", "question_id": 7000}]}
    """

  func open(_ folder: TemporaryFolder, template: String? = "val/COCO_{image_id:012d}.jpg") throws -> FileRun {
    try FileRun(
      input: folder.path("in.json"), output: folder.path("out.json"), model: EchoWorker.model, settings: [:],
      imageTemplate: template)
  }

  @Test func everyIDIsAnsweredOnceInAnArray() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.document, to: "in.json")
    var worker = EchoWorker()
    worker.failing = ["val/COCO_000000000007.jpg"]
    let run = try open(folder)
    try await worker.run(run)

    #expect(run.format == .vqav2)
    #expect(
      worker.jobs.map(\.image) == ["val/COCO_000000000042.jpg", "val/COCO_000000000007.jpg"].map { .uri($0) })
    #expect(worker.rejections.map(\.rejection.reason) == [.schemaViolation, .imageUnreachable])
    #expect(
      try folder.read("out.json") == """
        [
        {"question_id":42000,"answer":"WHAT?"}
        ,{"question_id":42001,"answer":"WHO?"}
        ,{"question_id":7000,"answer":"","error":{"code":"image_unreachable","message":"no val/COCO_000000000007.jpg"}}
        ]

        """)
  }

  @Test func anArrayIsResumedFromEveryByte() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.document, to: "in.json")
    var worker = EchoWorker()
    try await worker.run(try open(folder))
    let whole = try folder.read("out.json")

    for end in 0...whole.utf8.count {
      try folder.write(whole.utf8.prefix(end), to: "out.json")
      var resumed = EchoWorker()
      try await resumed.run(try open(folder))
      #expect(try folder.read("out.json") == whole, "cut after byte \(end)")
    }
  }

  /// By removing its record, as README says.
  @Test func whatFailedFirstIsAskedAgain() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.document, to: "in.json")
    var worker = EchoWorker()
    worker.failing = ["val/COCO_000000000042.jpg"]
    try await worker.run(try open(folder))
    let kept = try folder.lines("out.json").filter { !$0.contains(#""error":{"#) }
    #expect(kept == ["[", #",{"question_id":7000,"answer":"WHERE?"}"#, "]"])
    try folder.write(kept.map { $0 + "\n" }.joined(), to: "out.json")

    var again = EchoWorker()
    try await again.run(try open(folder))
    let whole = try JSONSerialization.jsonObject(with: Data(folder.read("out.json").utf8))
    let records = whole as? [[String: Any]]
    #expect(records?.compactMap { $0["question_id"] as? Int } == [7000, 42000, 42001])
  }

  @Test func aByteOrderMarkIsPassedOver() async throws {
    let folder = try TemporaryFolder()
    try folder.write("\u{FEFF}" + Self.document, to: "in.json")
    var worker = EchoWorker()
    let run = try open(folder)
    try await worker.run(run)
    #expect(run.format == .vqav2 && worker.asked.count == 3)
  }

  @Test func anEmptyDocumentGivesAnEmptyArray() async throws {
    let folder = try TemporaryFolder()
    try folder.write(#"{"questions":[]}"#, to: "in.json")
    var worker = EchoWorker()
    for _ in 0..<2 {
      try await worker.run(try open(folder))
      #expect(try folder.read("out.json") == "[\n]\n")
    }
  }

  @Test func templatesNameTheImage() throws {
    #expect(try ImageTemplate("a/{image_id}.jpg").path(of: "12") == "a/12.jpg")
    #expect(try ImageTemplate("{image_id:04}").path(of: "12") == "0012")
    #expect(try ImageTemplate("{image_id:04d}").path(of: "12345") == "12345")
    for template in [nil, "a.jpg", "{image_id:d}", "{id}"] {
      #expect(throws: FileJobsError.self) { try ImageTemplate(template) }
    }
  }

  @Test func brokenDocumentsAreErrorsOfTheFile() async throws {
    let folder = try TemporaryFolder()
    for document in [#"{"questions": ["#, #"{"questions": 3}"#] {
      try folder.write(document, to: "in.json")
      let run = try open(folder)
      await #expect(throws: FileJobsError.self) { try await run.source.next() }
      try await run.sink.close()
    }
  }
}
