import Answering
import Foundation
import Logging
import Testing

@testable import focus

@Suite("What the terminal shows")
struct TerminalTests {
  private func counts(answered: Int, rejected: Int = 0) -> RunCounts {
    var counts = RunCounts()
    counts.jobsAnswered = answered
    counts.jobsRejected = rejected
    counts.jobsBegun = answered + rejected
    counts.questionsAnswered = answered * 2
    return counts
  }

  @Test("Progress tells rate and time left")
  func progress() {
    let text = ProgressText(counts: counts(answered: 98, rejected: 2), share: 0.25, elapsed: .seconds(50))
    #expect(text.line == "100 jobs (25 %), 2.00 jobs/s, 196 answers, 2 failed, 2:30 left")
    #expect(text.bar.hasPrefix("██████░░░░░░░░░░░░░░░░░░  100 jobs (25 %)  2.00 jobs/s"))
  }

  @Test("Time left counts neither what an earlier run did nor what is read ahead")
  func continued() {
    var counts = counts(answered: 10)
    counts.jobsBegun = 20
    let text = ProgressText(counts: counts, share: 0.7, shareAtStart: 0.5, elapsed: .seconds(10))
    #expect(text.line == "10 jobs (60 %), 1.00 jobs/s, 20 answers, 0:40 left")
  }

  @Test("A stream shows no time left")
  func stream() {
    let text = ProgressText(counts: counts(answered: 3), share: nil, elapsed: .seconds(2))
    #expect(text.bar == "3 jobs, 1.50 jobs/s, 6 answers")
    let whole = ProgressText(
      counts: counts(answered: 3), share: 1, shareAtStart: 1, elapsed: .seconds(2))
    #expect(whole.bar == text.bar)
    #expect(ProgressText(counts: counts(answered: 0), share: 0.1, elapsed: .zero).timeLeft == nil)
  }

  @Test("A summary tells what failed and what is left")
  func summary() {
    var counts = counts(answered: 5, rejected: 1)
    counts.jobsAbandoned = 2
    counts.stageTimes = [.vision: .seconds(3)]
    let summary = ProgressText(counts: counts, share: 1, elapsed: .seconds(3700)).summary()
    #expect(summary.hasPrefix("10 answers to 6 jobs in 1:01:40\n1 job rejected\n2 jobs left unfinished\n"))
    #expect(summary.hasSuffix("vision 3.00 s"))
    let short = ProgressText(counts: self.counts(answered: 1), share: 1, elapsed: .milliseconds(3210))
    #expect(short.summary().hasPrefix("2 answers to 1 job in 3.21 s\n"))
  }

  @Test("A run that finds everything done says so, not that it answered nothing")
  func nothingLeft() {
    let text = ProgressText(counts: RunCounts(), share: 1, elapsed: .milliseconds(20))
    #expect(text.summary(doneEarlier: 6) == "nothing left to ask: the output holds 6 results already")
    #expect(
      text.summary(doneEarlier: 6, failedEarlier: 2)
        == "nothing left to ask: the output holds 6 results already\n"
        + "2 failed in an earlier run; take their lines out of the output to ask again")
    #expect(text.summary() == "nothing to ask")
    #expect(text.summary(isComplete: false, doneEarlier: 6).hasPrefix("0 answers to 0 jobs"))
  }

  @Test("A log line is one line of text, or one JSON object")
  func logLines() throws {
    let event = LogEvent(
      level: .warning, message: "two\nlines", metadata: ["job": "a1"], source: nil, file: "", function: "",
      line: 1)
    let time = Date(timeIntervalSince1970: 0)
    let text = LogLines(label: "focus.run", format: .text, logLevel: .info)
    #expect(text.line(for: event, at: time) == "1970-01-01T00:00:00Z warning two\\nlines job=a1")
    let json = LogLines(label: "focus.run", format: .json, logLevel: .info).line(for: event, at: time)
    let object = try JSONDecoder().decode([String: String].self, from: Data(json.utf8))
    #expect(
      object == [
        "time": "1970-01-01T00:00:00Z", "level": "warning", "logger": "focus.run", "message": "two\nlines",
        "job": "a1",
      ])
    #expect(!json.contains("\n"))
  }

  @Test("A job's id can neither forge a log line nor steer the terminal")
  func forgedLogLines() {
    let event = LogEvent(
      level: .warning, message: "no", metadata: ["job": "é\r\n2026 \u{1B}[2J\u{202E}\u{2028}"], source: nil,
      file: "", function: "", line: 1)
    let line = LogLines(label: "", format: .text, logLevel: .info).line(
      for: event, at: Date(timeIntervalSince1970: 0))
    #expect(line == #"1970-01-01T00:00:00Z warning no job=é\u{d}\n2026 \u{1b}[2J\u{202e}\u{2028}"#)
  }

  @Test("An answer's note holds the token ledger, usage and times")
  func answerNote() {
    let answer = Answer(text: "cat", finishReason: .length, promptTokens: 1190, completionTokens: 2)
    let ledger = TokenLedger(
      encoded: 2880, compressed: 1122, selected: 561, selection: .shared, selectionLayer: 8)
    let result = JobResult(
      jobID: "a", questionID: "1", outcome: .success(answer), imageSHA256: "",
      model: ModelIdentity(name: "m", fingerprint: ""), visualTokens: ledger, tokenCache: .off,
      timings: StageTimings(fetch: 12, vision: 1234, prefill: 410.2, decode: 61), metadata: nil)
    #expect(
      AnswerNote(result: result, answer: answer).line
        == "visual tokens: 2880 encoded → 1122 compressed → 561 selected (shared, layer 8) · "
        + "1190 prompt + 2 answer tokens · fetch 12 ms, vision 1.23 s, prefill 410 ms, decode 61 ms"
        + " · cut at --max-tokens")
  }

  @Test("A finding that fails says what to do")
  func finding() {
    let failure = Finding.failure("no such file", todo: "check the path")
    #expect(failure.isFailure)
    #expect(failure.text(of: "model") == "FAILED  model: no such file\n        → check the path")
    #expect(!Finding.fine("here").isFailure)
  }

  @Test("A link to a model file is as good as the file")
  func linkedModel() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "LlavaModelTests/Fixtures/llava-next-gqa/language.gguf")
    let link = FileManager.default.temporaryDirectory.appending(path: "focus-\(UUID()).gguf")
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
    defer { try? FileManager.default.removeItem(at: link) }
    #expect(try GGUFSummary(path: link.path).bytes == GGUFSummary(path: file.path).bytes)
  }

  @Test("A tensor larger than any file is found out")
  func endlessTensor() throws {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "LlavaModelTests/Fixtures/llava-next-gqa/language.gguf")
    var bytes = try Data(contentsOf: url)
    // The last one, so that no other has to lie behind it. Before the
    // name stands its length, after it the number of extents and these.
    let name = Data([13, 0, 0, 0, 0, 0, 0, 0] + Array("output.weight".utf8))
    let extents = try #require(bytes.range(of: name)).upperBound + 4
    for (place, extent) in [(0, 1 << 31), (8, 1 << 30)] as [(Int, UInt64)] {
      // 2^61 values of F32 are 2^63 bytes.
      withUnsafeBytes(of: extent.littleEndian) {
        bytes.replaceSubrange(extents + place..<extents + place + 8, with: $0)
      }
    }
    let file = FileManager.default.temporaryDirectory.appending(path: "focus-\(UUID()).gguf")
    try bytes.write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let error = #expect(throws: GGUFSummary.Unreadable.self) { try GGUFSummary(path: file.path) }
    #expect(
      error?.message.contains("beyond its \(bytes.count) bytes") == true, "\(String(describing: error))")
  }

  @Test("A model file that is none is found out, with its name")
  func notAModel() async throws {
    let file = try TemporaryFile("not a model")
    let files = ModelFilePaths(language: file.path, vision: "/nowhere/vision.gguf", sampler: file.path)
    let checks = ModelFileChecks.all(files) { throw Failure.environment("\(files.language) is no model") }
    for check in checks {
      let finding = await check.look()
      #expect(finding.isFailure)
      if check.name == "engine" { #expect(finding.text(of: "").contains(file.path)) }
      if check.name == "vision model" { #expect(finding.text(of: "").contains("/nowhere/vision.gguf")) }
    }
  }
}
