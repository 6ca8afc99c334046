import Adversary
import Foundation
import Testing

@testable import Answering
@testable import FileJobs

@Suite struct JobFileTests {
  static func line(_ id: String, _ questions: [String], image: String = "cat.jpg") -> String {
    let questions = questions.map { #"{"question_id":"\#($0)","text":"ask \#($0)"}"# }.joined(separator: ",")
    return #"{"job_id":"\#(id)","image":{"uri":"\#(image)"},"questions":[\#(questions)]}"# + "\n"
  }

  @Test func everyLineIsAnsweredOrRefused() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      Self.line("a", ["1", "2"]) + "\n  \r\n" + "{oops\n" + Self.line("b", ["1"]) + "null\n"
        + Self.line("c", ["1"]),
      to: "in.jsonl")

    var worker = EchoWorker()
    let run = try folder.open()
    try await worker.run(run)

    #expect(run.format == .jobs)
    #expect(worker.asked == ["a/1", "a/2", "b/1", "c/1"])
    #expect(worker.rejections.map(\.rejection.reason) == [.malformedJSON, .schemaViolation])
    #expect(worker.rejections.map(\.origin).map(\.lineNumber) == [4, 6])
    let lines = try folder.lines("out.jsonl")
    #expect(lines.count == 6)
    #expect(lines.first?.hasPrefix(#"{"job_id":"a","question_id":"1","answer":"ASK 1","#) == true)
    #expect(lines[2].hasPrefix(#"{"reason":"malformed_json","#))
    #expect(run.progress().map { $0.read == $0.of } == true)
  }

  @Test func nothingIsDoneTwice() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      Self.line("a", ["1"]) + "{oops\n" + Self.line("a", ["1"]) + Self.line("b", ["1"], image: "gone.jpg"),
      to: "in.jsonl")
    var worker = EchoWorker()
    worker.failing = ["gone.jpg"]
    try await worker.run(try folder.open())
    let first = try folder.read("out.jsonl")
    #expect(worker.rejections.count == 3)

    var again = EchoWorker()
    let run = try folder.open()
    try await again.run(run)

    #expect(run.doneEarlier == 4)
    #expect(again.jobs.isEmpty && again.rejections.isEmpty)
    #expect(try folder.read("out.jsonl") == first)
  }

  @Test func aRepairedLineIsAsked() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.line("a", ["1"]) + "{oops\n", to: "in.jsonl")
    var worker = EchoWorker()
    try await worker.run(try folder.open())

    try folder.write(Self.line("a", ["1"]) + Self.line("b", ["1"]), to: "in.jsonl")
    try await worker.run(try folder.open())
    #expect(worker.asked == ["a/1", "b/1"])
  }

  @Test func aRepeatedQuestionIsRefusedAndItsFirstLineNamed() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      Self.line("a", ["1"]) + Self.line("a", ["2"]) + Self.line("a", ["3", "1"]) + Self.line("a", ["3"]),
      to: "in.jsonl")
    var worker = EchoWorker()
    try await worker.run(try folder.open())

    #expect(worker.asked == ["a/1", "a/2", "a/3"])
    #expect(
      worker.rejections.map(\.rejection) == [
        Rejection(.schemaViolation, #"job_id "a" with question_id "1" is already on line 1"#)
      ])
  }

  @Test func hugeLinesAreRefusedAndTheirNeighboursAnswered() async throws {
    let folder = try TemporaryFolder()
    let huge = #"{"job_id":"huge","image":{"data":""# + String(repeating: "A", count: 3 << 20) + "\"}}\n"
    try folder.write(Self.line("a", ["1"]) + huge + Self.line("b", ["1"]), to: "in.jsonl")
    var worker = EchoWorker()
    try await worker.run(try folder.open(limits: JobLimits(messageBytes: 1 << 20)))

    #expect(worker.asked == ["a/1", "b/1"])
    let letter = try #require(worker.rejections.first)
    #expect(letter.rejection.reason == .payloadTooLarge)
    #expect(letter.jobID == "huge")
    #expect(letter.payload?.isTruncated == true)
    #expect(letter.payload?.bytes.count == Payload.limit)

    var again = EchoWorker()
    try await again.run(try folder.open(limits: JobLimits(messageBytes: 1 << 20)))
    #expect(again.rejections.isEmpty)
  }

  /// A run killed after any byte: the next asks exactly what is missing, and the output ends up the same.
  @Test func aRunIsResumedFromEveryByte() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      Self.line("a", ["1", "2", "é"]) + "{oops\n" + Self.line("b", ["1"], image: "gone.jpg")
        + Self.line("c", ["1"]),
      to: "in.jsonl")
    var worker = EchoWorker()
    worker.failing = ["gone.jpg", "ask 2"]
    try await worker.run(try folder.open())
    let whole = Array(try folder.read("out.jsonl").utf8)
    let wholeLines = try folder.lines("out.jsonl")

    for end in 0...whole.count {
      try folder.write(whole.prefix(end), to: "out.jsonl")
      var resumed = EchoWorker()
      resumed.failing = worker.failing
      let run = try folder.open()
      try await resumed.run(run)

      let kept = whole.prefix(end).count { $0 == UInt8(ascii: "\n") }
      #expect(run.doneEarlier == kept)
      #expect(try folder.lines("out.jsonl") == wholeLines, "cut after byte \(end)")
      #expect(
        resumed.jobs.first?.answeredEarlier == (kept < 3 ? kept : nil) ?? resumed.jobs.first?.answeredEarlier)
    }
  }

  @Test func anotherModelOrSettingIsRefused() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.line("a", ["1"]), to: "in.jsonl")
    var worker = EchoWorker()
    try await worker.run(try folder.open())

    let error = #expect(throws: FileJobsError.self) {
      try folder.open(model: ModelIdentity(name: "echo", fingerprint: "11"), settings: ["temperature": "1"])
    }
    #expect(
      error
        == .otherSettings(
          path: folder.path("out.jsonl"),
          differences: [
            .init(name: "model", before: "00ff", now: "11"),
            .init(name: "temperature", before: "0", now: "1"),
          ]))
    #expect(error?.description.contains("temperature was 0, now 1") == true)
    #expect(error?.description.contains("--overwrite") == true)

    try await worker.run(try folder.open(settings: ["temperature": "1"], overwrite: true))
    #expect(worker.asked == ["a/1", "a/1"])
    #expect(try folder.lines("out.jsonl").count == 1)
    #expect(throws: Never.self) { try folder.open(settings: ["temperature": "1"]) }
  }

  @Test func foreignAndDamagedOutputsAreLeftAlone() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.line("a", ["1"]), to: "in.jsonl")
    try folder.write("my diary", to: "out.jsonl")
    #expect(throws: FileJobsError.self) { try folder.open() }
    #expect(try folder.read("out.jsonl") == "my diary")

    let same = #expect(throws: FileJobsError.self) { try folder.open(output: "in.jsonl", overwrite: true) }
    #expect(same == .outputIsInput(path: folder.path("in.jsonl")))
    #expect(try folder.read("in.jsonl") == Self.line("a", ["1"]))

    var worker = EchoWorker()
    try await worker.run(try folder.open(overwrite: true))
    try folder.write("{}\n" + folder.read("out.jsonl"), to: "out.jsonl")
    let damaged = #expect(throws: FileJobsError.self) { try folder.open() }
    guard case .damagedOutput(_, line: 1, _) = damaged else {
      Issue.record("\(String(describing: damaged))")
      return
    }
  }

  @Test func twoRunsCannotWriteOneOutput() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.line("a", ["1"]), to: "in.jsonl")
    let first = try folder.open()
    let error = #expect(throws: FileJobsError.self) { try folder.open() }
    #expect(error == .inUse(path: folder.path("out.jsonl")))
    withExtendedLifetime(first) {}
  }

  /// As a child process has it between its start and its own program.
  @Test func aCopyOfTheOpenFileKeepsNoLock() throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.line("a", ["1"]), to: "in.jsonl")
    var first: FileRun? = try folder.open()
    var output = stat()
    #expect(stat(folder.path("out.jsonl"), &output) == 0)
    // Tests beside this one open hundreds of files: any number may be the output's.
    let copies = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap(Int32.init)
      .filter { number in
        var status = stat()
        return fstat(number, &status) == 0 && status.st_ino == output.st_ino && status.st_dev == output.st_dev
      }.map { dup($0) }
    defer { for copy in copies { close(copy) } }
    #expect(!copies.isEmpty)
    first = nil
    #expect(throws: Never.self) { try folder.open() }
    withExtendedLifetime(first) {}
  }

  @Test func aFullDiskIsAnErrorAndStaysOne() async throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    let folder = try TemporaryFolder()
    try folder.write(Self.line("a", ["1"]), to: "in.jsonl")
    let run = try FileRun(
      input: folder.path("in.jsonl"), output: "/dev/full", model: EchoWorker.model, settings: [:])
    var worker = EchoWorker()
    let error = await #expect(throws: FileJobsError.self) { try await worker.run(run) }
    #expect(error == .cannotWrite(path: "/dev/full", reason: "No space left on device"))
    #expect(error?.isRetryable == true)
  }

  @Test(arguments: [
    ([0xFF, 0xD8, 0xFF, 0xE0, 0, 16], "a JPEG image"), ([0x89, 0x50, 0x4E, 0x47], "a PNG image"),
    ([0x1F, 0x8B, 8, 0], "unpack it first"), ([0xFF, 0xFE, 0x7B, 0], "save it as UTF-8"),
    ([0x7F, 0x45, 0x4C, 0x46, 2, 1, 0], "is binary"),
  ])
  func filesThatHoldNoLinesAreNamed(content: [UInt8], words: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(content, to: "in.jsonl")
    let error = #expect(throws: FileJobsError.self) { try folder.open() }
    #expect(error?.description.contains(words) == true)
    #expect(throws: FileJobsError.self) { try FileRun.check(input: folder.path("in.jsonl")) }
    #expect(!folder.has("out.jsonl"))
  }

  /// Opening it would wake its writer, and closing it would end that.
  @Test func aPipeIsNotOpenedToBeChecked() throws {
    let folder = try TemporaryFolder()
    mkfifo(folder.path("pipe"), 0o600)
    #expect(throws: Never.self) { try FileRun.check(input: folder.path("pipe")) }
  }

  @Test func textWithStrayBytesIsRefusedLineByLine() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Array("{\0}\n\0\n".utf8) + Array(Self.line("a", ["1"]).utf8), to: "in.jsonl")
    var worker = EchoWorker()
    try await worker.run(try folder.open())
    #expect(worker.rejections.count == 2 && worker.jobs.count == 1)
  }

  @Test func missingFilesAreNamed() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: FileJobsError.self) { try folder.open("nowhere.jsonl") }
    #expect(error?.description.contains("nowhere.jsonl: No such file") == true)
    #expect(!folder.has("out.jsonl"))
  }

  @Test func randomLinesAreRefusedOrAnswered() async throws {
    let folder = try TemporaryFolder()
    var random = Fuzzing.random(7)
    var content: [UInt8] = []
    let job = Array(Self.line("a", ["1"]).utf8)
    for number in 0..<300 * Fuzzing.rounds {
      // Not the first line: a file that begins with random bytes is not taken for one of jobs.
      var line = number % 3 == 2 ? (0..<50).map { _ in UInt8.random(in: 0...255, using: &random) } : job
      if number % 3 == 1 {
        line[Int.random(in: 0..<line.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      content += line + [10]
    }
    try folder.write(content, to: "in.jsonl")
    for format in [FileFormat.jobs, .openAIBatch, .llava] {
      var worker = EchoWorker()
      try await worker.run(try folder.open(output: format.rawValue, format: format))
      var again = EchoWorker()
      try await again.run(try folder.open(output: format.rawValue, format: format))
      #expect(again.jobs.isEmpty && again.rejections.isEmpty)
    }
  }
}

extension Origin {
  var lineNumber: Int? {
    if case .line(_, let number) = self { number } else { nil }
  }
}
