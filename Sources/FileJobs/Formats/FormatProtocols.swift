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

/// Turns outcomes into lines of a file, and tells from such lines what is done.
protocol ResultLines: Sendable {
  /// All lines of the outcome, each with its newline.
  func lines(for outcome: JobOutcome) -> [UInt8]
  /// What a line of an earlier run says is done.
  func key(of line: Data) throws(Rejection) -> ProgressKey
}
