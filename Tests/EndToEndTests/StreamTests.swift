import Adversary
import Foundation
import Testing

extension EndToEnd {
  /// Jobs and results as streams.
  @Suite struct StreamTests {
    private let folder: TemporaryFolder

    init() throws {
      folder = try TemporaryFolder()
      try folder.add(images: ["cat.jpg"])
    }

    private func start(_ input: Pipe, _ output: Pipe) throws -> FocusRun {
      try FocusRun(
        [
          "run", "--model", Package.model("llava-1.5-mha"), "--threads", "1", "--max-tokens", "6", "--input",
          "-", "--output", "-", "--image-root", folder.url.path,
        ], in: folder, input: input, output: output)
    }

    /// Each answer comes while the next job is not yet asked.
    @Test func answersStreamOutAsJobsStreamIn() async throws {
      let (input, output) = (Pipe(), Pipe())
      let run = try start(input, output)
      try output.fileHandleForWriting.close()
      var answers = Self.lines(from: output.fileHandleForReading).makeAsyncIterator()
      for id in ["a", "b", "c"] {
        try input.fileHandleForWriting.write(contentsOf: Data((jobLine(id) + "\n").utf8))
        let answer = try #require(await answers.next())
        #expect(answer.hasPrefix(#"{"job_id":"\#(id)","question_id":"q","answer":"#))
      }
      try input.fileHandleForWriting.close()
      #expect(await answers.next() == nil)
      let ending = await run.end()
      #expect(ending.status == 0, "\(ending)")
    }

    /// What comes out of a pipe; each write of the process is a line.
    private static func lines(from pipe: FileHandle) -> AsyncStream<String> {
      AsyncStream { lines in
        pipe.readabilityHandler = { pipe in
          let data = pipe.availableData
          if data.isEmpty {
            pipe.readabilityHandler = nil
            lines.finish()
          } else {
            lines.yield(String(decoding: data, as: UTF8.self))
          }
        }
      }
    }

    @Test func aRunThatNobodyHearsGoesOn() async throws {
      try folder.write([jobLine("a", uri: "gone.jpg"), jobLine("b")], to: "in.jsonl")
      let run = try FocusRun(
        [
          "run", "--model", Package.model("llava-1.5-mha"), "--threads", "1", "--input",
          folder.path("in.jsonl"), "--output", folder.path("out.jsonl"),
        ], in: folder, isHeard: false)
      #expect(await run.end().status == 1)
      #expect(try folder.results("out.jsonl").count == 2)
    }

    @Test func aReaderThatLeavesIsAnErrorToTell() async throws {
      let (input, output) = (Pipe(), Pipe())
      let run = try start(input, output)
      try output.fileHandleForReading.close()
      try output.fileHandleForWriting.close()
      try input.fileHandleForWriting.write(contentsOf: Data((jobLine("a") + "\n").utf8))
      let ending = await run.end()
      #expect(ending.status == 3 && ending.signal == nil, "\(ending)")
      #expect(ending.errors.contains("cannot write standard output: Broken pipe"))
    }
  }
}
