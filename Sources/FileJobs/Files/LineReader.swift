import Answering
import Foundation

/// One line of a file, without its end.
struct Line: Sendable, Equatable {
  /// Counted from 1.
  var number: Int
  /// The whole line; of one beyond the limit, at most the first 64 KiB.
  var bytes: Data
  /// Bytes of the whole line.
  var length: Int

  var isWhole: Bool { length == bytes.count }
}

/// Reads lines of any length in bounded memory: at most the limit and one chunk. `\n` and `\r\n` end a line, the
/// last one may lack its end, and a UTF-8 byte order mark at the start is dropped.
struct LineReader: LineSequence {
  static let chunkLength = 256 * 1024
  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  private let file: FileDescriptor
  private let limit: Int
  private var chunk: [UInt8] = []
  private var position = 0
  private var lineNumber = 0
  /// Bytes taken from the file, the rest of the chunk included.
  private var bytesTaken = 0

  /// Bytes of the lines read so far, with what was dropped of them.
  var bytesRead: Int { bytesTaken - (chunk.count - position) }

  init(_ file: FileDescriptor, limit: Int) {
    self.file = file
    self.limit = limit
  }

  /// What the file begins with behind its byte order mark, at most one chunk; reading starts with it all the same.
  /// Call it first.
  mutating func beginning() throws(FileJobsError) -> Data {
    if chunk.isEmpty { try readChunk() }
    return Data(chunk.dropFirst(chunk.starts(with: Self.byteOrderMark) ? 3 : 0))
  }

  /// nil at the end.
  mutating func next() throws(FileJobsError) -> Line? {
    var bytes: [UInt8] = []
    var length = 0
    var isEnded = false
    while !isEnded {
      if position == chunk.count {
        try readChunk()
        if chunk.isEmpty { break }
      }
      let end = chunk[position...].firstIndex(of: UInt8(ascii: "\n"))
      let part = chunk[position..<(end ?? chunk.count)]
      // One byte more than the limit is kept: it may turn out to be the end's `\r`.
      bytes.append(contentsOf: part.prefix(limit + 1 - bytes.count))
      length += part.count
      position = end.map { $0 + 1 } ?? chunk.count
      isEnded = end != nil
    }
    if !isEnded, length == 0 { return nil }
    lineNumber += 1
    if length == bytes.count, bytes.last == UInt8(ascii: "\r") {
      bytes.removeLast()
      length -= 1
    }
    if lineNumber == 1, bytes.starts(with: Self.byteOrderMark) {
      bytes.removeFirst(3)
      length -= 3
    }
    if length > limit { bytes = Array(bytes.prefix(min(Payload.limit, limit))) }
    return Line(number: lineNumber, bytes: Data(bytes), length: length)
  }

  private mutating func readChunk() throws(FileJobsError) {
    chunk = try file.read(upTo: Self.chunkLength)
    position = 0
    bytesTaken += chunk.count
  }
}
