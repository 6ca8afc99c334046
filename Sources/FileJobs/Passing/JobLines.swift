import Answering
import Foundation

/// The lines of a job file, checked but not changed: for those who pass them on.
public struct JobLines {
  private var lines: LineReader
  private let limits: JobLimits

  /// A line that holds something.
  public struct Line: Sendable {
    /// Counted from 1.
    public var number: Int
    public var bytes: Data
    public var job: Result<Job, Rejection>
  }

  /// - Parameter path: `-` for standard input.
  public init(_ path: String, limits: JobLimits) throws(FileJobsError) {
    let file = path == FileRun.stream ? FileDescriptor.standardInput : try .reading(path)
    lines = LineReader(file, limit: limits.messageBytes)
    self.limits = limits
  }

  /// nil at the end.
  public mutating func next() throws(FileJobsError) -> Line? {
    while let line = try lines.next() {
      if line.bytes.allSatisfy(\.isJSONWhitespace) { continue }
      return Line(number: line.number, bytes: line.bytes, job: job(of: line))
    }
    return nil
  }

  private func job(of line: FileJobs.Line) -> Result<Job, Rejection> {
    guard line.isWhole else {
      return .failure(
        Rejection(
          .payloadTooLarge, "the line has \(line.length) bytes; \(limits.messageBytes) are allowed"))
    }
    do throws(Rejection) {
      return .success(try Job(json: line.bytes, limits: limits))
    } catch {
      return .failure(error)
    }
  }
}
