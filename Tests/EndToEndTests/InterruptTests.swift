import Adversary
import Foundation
import Testing

extension EndToEnd {
  /// SIGINT and SIGTERM: the first lets the jobs in flight end, the second ends the process at once.
  @Suite struct InterruptTests {
    @Test(arguments: [SIGINT, SIGTERM])
    func aDrainFinishesWhatIsInFlight(signal: Int32) async throws {
      let folder = try TemporaryFolder()
      try folder.add(images: ["cat.jpg"])
      try folder.write((0..<200).map { jobLine("job-\($0)") }, to: "in.jsonl")
      let run = try folder.run("in.jsonl", output: "out.jsonl")
      let isSent = await run.send(signal) { _ in folder.lineCount("out.jsonl") >= 3 }
      #expect(isSent)
      let ending = await run.end()

      #expect(ending.status == 130, "\(ending)")
      #expect(ending.errors.contains("finishing the jobs in flight"))
      #expect(ending.errors.contains("run the same command again to continue"))
      #expect(!ending.errors.contains("unfinished"))
      #expect((3..<200).contains(try folder.results("out.jsonl").count))

      #expect(try await folder.run("in.jsonl", output: "out.jsonl").end().status == 0)
      #expect(Set(try folder.results("out.jsonl").map(\.question)).count == 200)
      #expect(folder.lineCount("out.jsonl") == 200)
    }

    /// The same command would begin anew.
    @Test func anInterruptedOverwriteIsContinuedWithout() async throws {
      let folder = try TemporaryFolder()
      let server = try LocalServer { _ in .stalled }
      let run = try Self.runWaiting(for: server, in: folder, ["--overwrite", "--drain-timeout", "0"])
      let isSent = await run.send(SIGINT) { _ in Self.isWaiting(for: server, in: folder) }
      #expect(isSent)
      let ending = await run.end()
      #expect(ending.status == 130, "\(ending)")
      #expect(ending.errors.contains("without --overwrite to continue"))
      #expect(!ending.errors.contains("run the same command again"))
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func aSecondSignalStopsAtOnce(signal: Int32) async throws {
      let folder = try TemporaryFolder()
      let server = try LocalServer { _ in .stalled }
      let run = try Self.runWaiting(for: server, in: folder)
      let isSent = await run.send(signal) { _ in Self.isWaiting(for: server, in: folder) }
      #expect(isSent)
      let isSentAgain = await run.send(signal) { $0.said.contains("interrupt again to stop at once") }
      #expect(isSentAgain)
      let ending = await run.end()
      #expect(ending.status == 130 && ending.signal == nil)
      #expect(!ending.errors.contains("answers to"))
      #expect(try folder.results("out.jsonl").map(\.jobId) == ["first"])
    }

    @Test func aDrainEndsAtItsTimeout() async throws {
      let folder = try TemporaryFolder()
      let server = try LocalServer { _ in .stalled }
      let run = try Self.runWaiting(for: server, in: folder, ["--drain-timeout", "0"])
      let isSent = await run.send(SIGTERM) { _ in Self.isWaiting(for: server, in: folder) }
      #expect(isSent)
      let ending = await run.end()
      #expect(ending.status == 130)
      #expect(ending.errors.contains("1 job left unfinished"))
      #expect(try folder.results("out.jsonl").map(\.jobId) == ["first"])
    }

    @Test func aSignalWhileAPipeIsSilentEndsTheRun() async throws {
      let folder = try TemporaryFolder()
      try folder.add(images: ["cat.jpg"])
      let input = Pipe()
      let run = try FocusRun(
        [
          "run", "--model", Package.model("llava-1.5-mha"), "--threads", "1", "--input", "-", "--output",
          folder.path("out.jsonl"), "--image-root", folder.url.path,
        ], in: folder, input: input)
      try input.fileHandleForWriting.write(contentsOf: Data((jobLine("a") + "\n").utf8))
      let isSent = await run.send(SIGINT) { _ in folder.lineCount("out.jsonl") == 1 }
      #expect(isSent)
      #expect(await run.end().status == 130)
    }

    /// A run that answers one job and cannot get the second one's image.
    private static func runWaiting(
      for server: LocalServer, in folder: TemporaryFolder, _ more: [String] = []
    ) throws -> FocusRun {
      try folder.add(images: ["cat.jpg"])
      try folder.write([jobLine("first"), jobLine("second", uri: server.url("/cat.jpg"))], to: "in.jsonl")
      return try folder.run("in.jsonl", output: "out.jsonl", ["--allow-host", server.host] + more)
    }

    private static func isWaiting(for server: LocalServer, in folder: TemporaryFolder) -> Bool {
      !server.requests.isEmpty && folder.lineCount("out.jsonl") == 1
    }
  }
}
