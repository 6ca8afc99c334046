import Adversary
import Foundation
import Testing

@testable import Answering
@testable import FileJobs

@Suite struct ImageFolderTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for name in ["b.JPG", "a.png", "pets/cat.webp", "pets/.hidden.jpg", ".cache/x.jpg", "notes.md"] {
      try folder.write("", to: "images/" + name)
    }
  }

  func open(output: String?, sidecar: String? = nil, overwrite: Bool = false) throws -> FileRun {
    try FileRun(
      images: ImageFolder(
        path: folder.path("images"), questions: [Question(id: "q1", text: "describe")],
        sidecarExtension: sidecar),
      output: output.map(folder.path), model: EchoWorker.model, settings: [:], overwrite: overwrite)
  }

  @Test func everyImageIsAskedInOrder() async throws {
    var worker = EchoWorker()
    let run = try open(output: "out.jsonl")
    try await worker.run(run)

    #expect(worker.asked == ["a.png/q1", "b.JPG/q1", "pets/cat.webp/q1"])
    #expect(worker.jobs.map(\.image) == ["a.png", "b.JPG", "pets/cat.webp"].map { .uri($0) })
    #expect(try folder.lines("out.jsonl").count == 3)
    #expect(run.progress().map { [$0.read, $0.of] } == [3, 3])

    try await worker.run(try open(output: "out.jsonl"))
    #expect(worker.asked.count == 3)
  }

  @Test func textFilesAreWrittenBesideTheImages() async throws {
    try folder.write("by hand", to: "images/a.txt")
    var worker = EchoWorker()
    try await worker.run(try open(output: nil, sidecar: ".txt"))

    #expect(worker.asked == ["b.JPG/q1", "pets/cat.webp/q1"])
    #expect(try folder.read("images/a.txt") == "by hand")
    #expect(try folder.read("images/b.txt") == "DESCRIBE\n")
    #expect(try folder.read("images/pets/cat.txt") == "DESCRIBE\n")

    try await worker.run(try open(output: nil, sidecar: "txt"))
    #expect(worker.asked.count == 2)
    try await worker.run(try open(output: nil, sidecar: "txt", overwrite: true))
    #expect(worker.asked.count == 5)
    #expect(try folder.read("images/a.txt") == "DESCRIBE\n")
  }

  @Test func twoRunsCannotWriteTextFilesInOneFolder() async throws {
    let first = try open(output: nil, sidecar: "txt")
    let error = #expect(throws: FileJobsError.self) { try self.open(output: "out.jsonl", sidecar: "txt") }
    #expect(error == .inUse(path: folder.path("images")))
    #expect(throws: Never.self) { try self.open(output: "out.jsonl") }
    try await first.sink.close()
    #expect(throws: Never.self) { try self.open(output: nil, sidecar: "txt") }
  }

  @Test func withAnOutputTheOutputTellsWhatIsDone() async throws {
    try folder.write("by hand", to: "images/a.txt")
    var worker = EchoWorker()
    try await worker.run(try open(output: "out.jsonl", sidecar: "txt"))

    #expect(worker.asked.count == 3)
    #expect(try folder.read("images/a.txt") == "by hand")
    #expect(try folder.read("images/b.txt") == "DESCRIBE\n")
  }

  @Test func imagesThatWouldShareATextFileAreRefused() async throws {
    try folder.write("", to: "images/a.jpg")
    var worker = EchoWorker()
    try await worker.run(try open(output: "out.jsonl", sidecar: "txt"))

    #expect(worker.asked.first == "a.jpg/q1")
    let letter = try #require(worker.rejections.first)
    #expect(letter.jobID == "a.png")
    #expect(letter.rejection.message.hasPrefix("a.jpg and a.png would both be answered in "))

    var again = EchoWorker()
    try await again.run(try open(output: "out.jsonl", sidecar: "txt"))
    #expect(again.rejections.isEmpty && again.jobs.isEmpty)
  }

  @Test func eachAnswerOfSeveralHasItsLine() async throws {
    let run = try FileRun(
      images: ImageFolder(
        path: folder.path("images"),
        questions: [Question(id: "q1", text: "one\ntwo\r\n\nthree"), Question(id: "q2", text: "four")],
        sidecarExtension: "txt"),
      output: nil, model: EchoWorker.model, settings: [:])
    var worker = EchoWorker()
    try await worker.run(run)
    #expect(try folder.read("images/a.txt") == "ONE TWO THREE\nFOUR\n")
  }

  /// A linked folder is walked where it is the one given, and passed over within it.
  @Test func linkedFolders() throws {
    try folder.write("", to: "images/images/c.jpg")
    let link = folder.url.appendingPathComponent("linked")
    try FileManager.default.createSymbolicLink(
      at: link, withDestinationURL: folder.url.appendingPathComponent("images"))
    try FileManager.default.createSymbolicLink(
      at: folder.url.appendingPathComponent("images/again.jpg"), withDestinationURL: link)
    try FileManager.default.createSymbolicLink(
      at: folder.url.appendingPathComponent("images/one.jpg"),
      withDestinationURL: folder.url.appendingPathComponent("images/a.png"))
    #expect(
      try ImageFolder(path: link.path, questions: []).images()
        == ["a.png", "b.JPG", "images/c.jpg", "one.jpg", "pets/cat.webp"])
  }

  @Test func aFolderThatIsNotThereIsAnError() throws {
    let error = #expect(throws: FileJobsError.self) {
      try ImageFolder(path: folder.path("notes.md"), questions: []).images()
    }
    guard case .cannotOpen = error else { throw error ?? FileJobsError.noImages(path: "") }
  }

  @Test func failedImagesAreNotRepeated() async throws {
    var worker = EchoWorker()
    worker.failing = ["a.png"]
    try await worker.run(try open(output: "out.jsonl"))
    #expect(worker.rejections.map(\.jobID) == ["a.png"])

    try await worker.run(try open(output: "out.jsonl"))
    #expect(worker.rejections.count == 1)
  }

  @Test func aFolderWithoutImagesIsAnError() throws {
    let empty = try TemporaryFolder()
    let error = #expect(throws: FileJobsError.self) {
      try FileRun(
        images: ImageFolder(path: empty.url.path, questions: []), output: nil, model: EchoWorker.model,
        settings: [:])
    }
    #expect(error == .noImages(path: empty.url.path))
  }
}
