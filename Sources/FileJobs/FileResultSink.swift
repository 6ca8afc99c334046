import Answering
import BlockingCalls
import Foundation

/// Appends outcomes to a file, a pipe, or text files beside images.
///
/// `publish` returns when the system has taken all lines of the outcome, in one write: a kill of this process
/// loses nothing of them. Every five seconds, and by `close`, the file is also synchronised with the disk: a
/// power failure loses at most the answers since then, and a resumed run asks their questions again.
public actor FileResultSink: ResultSink {
  private static let synchronizationInterval = Duration.seconds(5)

  private let executor = BlockingExecutor(name: "focus.file-jobs.writer")
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private var output: FileDescriptor?
  private let sidecars: Sidecars?
  /// Held for its lock on the text files.
  private var lockedFolder: FileDescriptor?
  private let results: any ResultLines
  /// Bytes of whole lines in the file.
  private var length: Int
  /// Whether a record stands in the array already.
  private var hasRecords: Bool
  private var lastSynchronized = ContinuousClock.now
  private var failure: FileJobsError?

  init(
    output: FileDescriptor?, sidecars: Sidecars?, results: any ResultLines, hasRecords: Bool,
    lockedFolder: FileDescriptor? = nil
  ) {
    self.output = output
    self.sidecars = sidecars
    self.results = results
    self.hasRecords = hasRecords
    self.lockedFolder = lockedFolder
    length = output?.length ?? 0
  }

  /// Throws `FileJobsError.cannotWrite`, as on a full disk, and again at every later call: after a gap nothing
  /// more is written.
  public func publish(_ outcome: JobOutcome) async throws {
    if let failure { throw failure }
    do throws(FileJobsError) {
      // Before the line that says it is done.
      try sidecars?.write(outcome)
      if let output { try append(lines(results.records(for: outcome)), to: output) }
    } catch {
      failure = error
      throw error
    }
  }

  /// Waits until everything is on the disk, and lets other runs write to the output. Call it at the end, also of
  /// an interrupted run; afterwards nothing can be published.
  public func close() async throws {
    lockedFolder = nil
    guard let output else { return }
    self.output = nil
    defer { failure = failure ?? .cannotWrite(path: output.path, reason: "the run has closed it") }
    if results.isArray, failure == nil { try append(opening + Array("]\n".utf8), to: output) }
    try output.synchronize()
  }

  private var opening: [UInt8] { results.isArray && length == 0 ? Array("[\n".utf8) : [] }

  private func lines(_ records: [OrderedJSON]) -> [UInt8] {
    guard !records.isEmpty else { return [] }
    var lines = opening
    for record in records {
      if results.isArray, hasRecords { lines.append(UInt8(ascii: ",")) }
      lines += record.line
      hasRecords = true
    }
    return lines
  }

  private func append(_ lines: [UInt8], to output: FileDescriptor) throws(FileJobsError) {
    do throws(FileJobsError) {
      try output.write(lines)
    } catch {
      // A half-written line would be dropped by the next run anyway; other readers are spared it.
      if output.isRegular { try? output.truncate(to: length) }
      throw error
    }
    length += lines.count
    if ContinuousClock.now - lastSynchronized >= Self.synchronizationInterval {
      try output.synchronize()
      lastSynchronized = .now
    }
  }
}
