import Adversary
import Foundation
import Testing

extension EndToEnd {
  /// `kill -9` at any point: the same command, given again, goes on, and every question is answered once.
  @Suite struct KillTests {
    private static let images = ["cat.jpg", "quarters.png", "pixel.png", "orientation6.jpg"]
    /// 200 jobs, three after one another on one image, with one to three questions.
    private static let jobs = 200

    @Test func jobsAreAnsweredOnce() async throws {
      let folder = try TemporaryFolder()
      try folder.add(images: Self.images)
      let questions = (0..<Self.jobs).map { job in (0...job % 3).map { "\(job)/\($0)" } }
      try folder.write(
        questions.enumerated().map { job, questions in
          jobLine(
            String(job), uri: Self.image(job),
            questions: "["
              + questions.indices.map { #"{"question_id":"\#($0)","text":"Question \#($0)?"}"# }
              .joined(separator: ",") + "]")
        }, to: "in.jsonl")
      func start() throws -> FocusRun { try folder.run("in.jsonl", output: "out.jsonl") }

      try await folder.kill(start, whenLinesOf: "out.jsonl", reach: [0, 1, 2, 60, 61, 150, 240, 300, 330])
      try await folder.kill(start) { folder.lineCount("out.jsonl") > 340 }
      #expect(try await start().end().status == 0)

      let results = try folder.results("out.jsonl")
      #expect(results.map(\.question).sorted() == questions.joined().sorted())
      // The same question about the same image has the same answer, whichever run gave it.
      let answers = Dictionary(grouping: results) { result in
        "\(Self.image(Int(result.jobId ?? "") ?? -1)) \(result.questionId ?? "")"
      }
      #expect(answers.count == Self.images.count * 3)
      #expect(answers.values.allSatisfy { Set($0.map(\.answer)).count == 1 && $0[0].answer != nil })
    }

    @Test func batchesAreAnsweredOnce() async throws {
      let folder = try TemporaryFolder()
      try folder.add(images: Self.images)
      try folder.write(
        (0..<Self.jobs).map { request in
          #"{"custom_id":"\#(request)","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"#
            + #""role":"user","content":[{"type":"image_url","image_url":{"url":"\#(Self.image(request))"}},"#
            + #"{"type":"text","text":"Question \#(request)?"}]}]}}"#
        }, to: "in.jsonl")
      func start() throws -> FocusRun {
        try folder.run("in.jsonl", output: "out.jsonl", model: "llava-1.5-mha", ["--format", "openai-batch"])
      }

      try await folder.kill(start, whenLinesOf: "out.jsonl", reach: [1, 50, 51, 120, 170])
      #expect(try await start().end().status == 0)

      let ids = try folder.lines("out.jsonl").map { line in
        let record = try JSONSerialization.jsonObject(with: line) as? [String: Any]
        #expect(record?["error"] is NSNull)
        return record?["custom_id"] as? String ?? "?"
      }
      #expect(ids.sorted() == (0..<Self.jobs).map(String.init).sorted())
    }

    /// With and without a file of results beside the texts.
    @Test(arguments: ["out.jsonl", nil])
    func imagesOfAFolderAreAnsweredOnce(output: String?) async throws {
      let folder = try TemporaryFolder()
      let images = (0..<60).map { "\($0 % 5)/\($0)-" + Self.images[$0 % Self.images.count] }
      for (index, image) in images.enumerated() {
        try folder.write(Package.image(Self.images[index % Self.images.count]), to: "images/\(image)")
      }
      func start() throws -> FocusRun {
        try FocusRun(
          [
            "run", "--model", Package.model("llava-1.5-mha"), "--threads", "1", "--max-tokens", "6",
            "--images",
            folder.path("images"), "--question", "What is this?", "--question", "Where?", "--sidecar", ".txt",
          ] + (output.map { ["--output", folder.path($0)] } ?? []), in: folder,
          // As for a worker on this machine: the folder's images are the folder's all the same.
          variables: ["FOCUS_IMAGE_ROOT": folder.url.path])
      }
      for count in [1, 20, 21, 40] { try await folder.kill(start) { folder.texts.count >= count } }
      #expect(try await start().end().status == 0)

      #expect(folder.texts.count == images.count)
      var answers: [String: [String]] = [:]
      for (index, image) in images.enumerated() {
        let text = String(decoding: try folder.data(Self.sidecar(of: image)), as: UTF8.self)
        #expect(text.hasSuffix("\n"), "\(image) has half an answer")
        answers[Self.images[index % Self.images.count], default: []].append(text)
      }
      #expect(answers.values.allSatisfy { Set($0).count == 1 })
      guard let output else { return }
      let results = try folder.results(output)
      #expect(results.map(\.question).sorted() == images.flatMap { ["\($0)/1", "\($0)/2"] }.sorted())
    }

    private static func image(_ job: Int) -> String { images[job / 3 % images.count] }

    private static func sidecar(of image: String) -> String {
      "images/" + URL(filePath: image).deletingPathExtension().relativePath + ".txt"
    }
  }
}

extension TemporaryFolder {
  /// Starts a run again and again, and kills it as soon as the file has so many lines.
  fileprivate func kill(
    _ start: () throws -> FocusRun, whenLinesOf file: String, reach counts: [Int]
  ) async throws {
    for count in counts { try await kill(start) { self.lineCount(file) >= count } }
  }

  /// Starts a run and kills it when something has come true.
  fileprivate func kill(
    _ start: () throws -> FocusRun, when isTrue: @escaping @Sendable () -> Bool
  ) async throws {
    let run = try start()
    let isSent = await run.send(SIGKILL) { _ in isTrue() }
    #expect(isSent)
    #expect(await run.end().signal == SIGKILL)
  }

  /// The text files beside images.
  fileprivate var texts: [String] {
    let names = FileManager.default.enumerator(atPath: path("images"))
    return (names?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(".txt") }
  }
}
