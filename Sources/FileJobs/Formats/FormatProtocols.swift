import Answering
import Foundation

/// Turns lines of a file into jobs. One for each run, because some formats gather several lines into one job.
protocol RequestLines: Sendable {
  /// What the line completes: usually one draft, none where more lines are awaited.
  mutating func read(_ line: Line) -> [Draft]
  /// What is still gathered when the file ends.
  mutating func rest() -> [Draft]
}

/// A job or refusal that is not yet numbered.
struct Draft: Sendable {
  var origin: Origin
  var content: Result<Job, Rejection>
  var payload: Payload?
  var rejectedJobID: String?
}

/// Yields lines: those of a file, or what takes their place in a document.
protocol LineSequence: Sendable {
  /// nil at the end.
  mutating func next() throws(FileJobsError) -> Line?
  var bytesRead: Int { get }
}

/// Turns outcomes into records, one a line of a file, and tells from such lines what is done.
protocol ResultLines: Sendable {
  /// Whether the file is one JSON array with a record a line, not JSON Lines.
  var isArray: Bool { get }
  func records(for outcome: JobOutcome) -> [OrderedJSON]
  /// What a line of an earlier run says is done.
  func entry(of line: Data) throws(Rejection) -> DoneEntry
}

/// Something that is done and is not done again: answered, or failed.
struct DoneEntry: Sendable {
  var key: ProgressKey
  var isFailure: Bool
}

extension ResultLines {
  var isArray: Bool { false }
}
