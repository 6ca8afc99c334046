import Answering
import Foundation

/// An output file, locked for this run, and what earlier runs have done in it.
struct ResumableOutput {
  var file: FileDescriptor
  /// What the file says is done.
  var done: Set<ProgressKey> = []
  /// How many of its lines are errors and refusals.
  var failures = 0

  /// Opens, locks, checks the manifest, drops a half-written last line, and reads what is done. A pipe or device
  /// is just written to. Nothing is changed before the manifest has been found to fit.
  static func open(
    _ path: String, input: FileDescriptor?, manifest: RunManifest, overwrite: Bool, results: some ResultLines
  ) throws(FileJobsError) -> ResumableOutput {
    let file = try FileDescriptor.appending(path)
    guard file.isRegular else { return ResumableOutput(file: file) }
    if let input, file.isSameFile(as: input) { throw .outputIsInput(path: path) }
    try file.lock()
    if overwrite { try file.truncate(to: 0) }
    let manifestPath = RunManifest.path(for: path)
    if file.length > 0 {
      guard let before = try RunManifest(path: manifestPath) else {
        throw .foreignOutput(path: path, reason: "exists and has no \(RunManifest.path(for: "")) beside it")
      }
      let differences = manifest.differences(from: before)
      guard differences.isEmpty else { throw .otherSettings(path: path, differences: differences) }
    } else {
      // Of an empty output nothing depends on an old manifest.
      try manifest.write(to: manifestPath)
    }
    var output = ResumableOutput(file: file)
    try output.readDone(results)
    return output
  }

  private mutating func readDone(_ results: some ResultLines) throws(FileJobsError) {
    let length = try Self.lengthOfWholeLines(file)
    if length < file.length { try file.truncate(to: length) }
    var lines = LineReader(try .reading(file.path), limit: JobLimits.files.messageBytes)
    var arrayEnd: Int?
    var offset = 0
    while let line = try lines.next() {
      defer { offset += line.length + 1 }
      if line.bytes.allSatisfy(\.isJSONWhitespace) { continue }
      if results.isArray {
        if line.bytes == Data("[".utf8) { continue }
        if line.bytes == Data("]".utf8), line.length + 1 + offset == length {
          arrayEnd = offset
          continue
        }
      }
      // In an array, all records but the first begin with the comma before them.
      let record =
        results.isArray && line.bytes.first == UInt8(ascii: ",") ? line.bytes.dropFirst() : line.bytes
      // The record before it has been removed, to be asked again.
      if results.isArray, done.isEmpty, record.count < line.bytes.count {
        try file.replace(at: offset, with: [UInt8(ascii: " ")])
      }
      do throws(Rejection) {
        let entry = try results.entry(of: record)
        done.insert(entry.key)
        if entry.isFailure { failures += 1 }
      } catch {
        throw .damagedOutput(path: file.path, line: line.number, reason: error.message)
      }
    }
    // The run goes on before the array's end.
    if let arrayEnd { try file.truncate(to: arrayEnd) }
  }

  /// Bytes up to and with the last newline.
  static func lengthOfWholeLines(_ file: FileDescriptor) throws(FileJobsError) -> Int {
    let reader = try FileDescriptor.reading(file.path)
    var length = 0
    var read = 0
    while case let chunk = try reader.read(upTo: LineReader.chunkLength), !chunk.isEmpty {
      if let newline = chunk.lastIndex(of: UInt8(ascii: "\n")) { length = read + newline + 1 }
      read += chunk.count
    }
    return length
  }
}
