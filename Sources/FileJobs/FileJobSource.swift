import Answering
import BlockingCalls
import Foundation
import Synchronization

/// Jobs from the lines of a file or pipe, read as they are wanted. Lines that are done are passed over.
public actor FileJobSource: JobSource {
  private let executor = BlockingExecutor(name: "focus.file-jobs.reader")
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Bytes of the input; nil for a pipe.
  public nonisolated let totalBytes: Int?
  private nonisolated let read = Atomic<Int>(0)
  /// Bytes of the input read so far, for a progress bar; at once, also while a read waits.
  public nonisolated var bytesRead: Int { read.load(ordering: .relaxed) }

  private var lines: any LineSequence
  private var requests: any RequestLines
  private var ready: [Draft] = []
  private var sequence = 0
  private var isAtEnd = false

  init(lines: any LineSequence, totalBytes: Int?, requests: any RequestLines) {
    self.lines = lines
    self.totalBytes = totalBytes
    self.requests = requests
  }

  public func next() async throws -> Delivery? {
    while ready.isEmpty, !isAtEnd {
      // A resumed run may pass over many lines before it has a job.
      try Task.checkCancellation()
      do throws(FileJobsError) {
        try readOn()
      } catch .interrupted {
        throw CancellationError()
      }
    }
    guard !ready.isEmpty else { return nil }
    let draft = ready.removeFirst()
    sequence += 1
    return Delivery(
      sequence: sequence, origin: draft.origin, content: draft.content, payload: draft.payload,
      rejectedJobID: draft.rejectedJobID)
  }

  /// Nothing to do: the output itself is the record of what is done.
  public func finish(_ delivery: Delivery) async throws {}

  private func readOn() throws(FileJobsError) {
    if let line = try lines.next() {
      if line.bytes.contains(where: { !$0.isJSONWhitespace }) { ready += requests.read(line) }
    } else {
      isAtEnd = true
      ready += requests.rest()
    }
    read.store(lines.bytesRead, ordering: .relaxed)
  }
}
