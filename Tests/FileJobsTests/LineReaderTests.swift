import Adversary
import Foundation
import Testing

@testable import Answering
@testable import FileJobs

@Suite struct LineReaderTests {
  func lines(_ content: [UInt8], limit: Int = 1 << 20) throws -> [Line] {
    let folder = try TemporaryFolder()
    try folder.write(content, to: "lines")
    var reader = LineReader(try .reading(folder.path("lines")), limit: limit)
    var lines: [Line] = []
    while let line = try reader.next() { lines.append(line) }
    return lines
  }

  func texts(_ content: String, limit: Int = 1 << 20) throws -> [String] {
    try lines(Array(content.utf8), limit: limit).map { String(decoding: $0.bytes, as: UTF8.self) }
  }

  @Test func everyEndOfLineIsUnderstood() throws {
    #expect(try texts("") == [])
    #expect(try texts("\n") == [""])
    #expect(try texts("a\nb") == ["a", "b"])
    #expect(try texts("a\r\nb\r\n\r\nc\r") == ["a", "b", "", "c"])
    #expect(try texts("\u{FEFF}a\n\u{FEFF}b\n") == ["a", "\u{FEFF}b"])
  }

  @Test func linesLongerThanAChunkAreWhole() throws {
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: LineReader.chunkLength * 3 + 5)
    let read = try lines(long + [10] + long + [13, 10, 65])
    #expect(read.map(\.length) == [long.count, long.count, 1])
    #expect(read.map(\.isWhole) == [true, true, true])
    #expect(read.map(\.number) == [1, 2, 3])
  }

  @Test func aLineBeyondTheLimitIsCutAndReadingGoesOn() throws {
    let huge = [UInt8](repeating: UInt8(ascii: "x"), count: 5 << 20)
    let read = try lines(huge + Array("\nafter\n".utf8), limit: 1 << 20)
    #expect(read.map(\.length) == [huge.count, 5])
    #expect(read.map(\.isWhole) == [false, true])
    #expect(read.map(\.bytes.count) == [Payload.limit, 5])
  }

  @Test func aMarkBeforeALineBeyondASmallLimitIsNoTrap() throws {
    let read = try lines([0xEF, 0xBB, 0xBF] + Array("123456789\nafter\n".utf8), limit: 5)
    #expect(read.map(\.isWhole) == [false, true])
    #expect(read.last?.bytes == Data("after".utf8))
  }

  @Test func theLimitCountsWithoutTheEnd() throws {
    #expect(
      try lines(Array("12345\r\n123456\r\n12345".utf8), limit: 5).map(\.isWhole) == [true, false, true])
  }

  @Test func aPipeIsReadAsItComes() throws {
    let pipe = Pipe()
    let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
    var reader = LineReader(try .reading(path), limit: 100)
    // The writer stays open: a reader that waited for a full chunk would wait for ever.
    try pipe.fileHandleForWriting.write(contentsOf: Data("one\n".utf8))
    #expect(try reader.next()?.bytes == Data("one".utf8))
  }

  @Test func waitingForAPipeEndsWithTheTask() async throws {
    let pipe = Pipe()
    let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
    let run = try FileRun(
      input: path, output: "/dev/null", format: .jobs, model: EchoWorker.model, settings: [:])
    let reading = Task { try await run.source.next() }
    try await Task.sleep(for: .milliseconds(20))
    reading.cancel()
    await #expect(throws: CancellationError.self) { try await reading.value }

    try pipe.fileHandleForWriting.write(contentsOf: Data(JobFileTests.line("late", ["1"]).utf8))
    #expect(try await run.source.next()?.content.get().id == "late")
  }
}
