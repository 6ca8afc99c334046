/// Counts how often jobs were begun and not ended, where a worker that dies does not take the count with it.
///
/// A job that kills its worker is read again by the next one: only what was counted before the work began can end
/// that. A worker begins the jobs it has read, in one call for many; works; commits; and ends them. A job whose
/// count is above the cap becomes a dead letter, `attempts_exhausted`, instead of being worked on.
///
/// The jobs in flight beside the one that kills a worker are counted with it. So a job that was begun before is
/// best worked on alone: then the next death counts against none but the guilty.
public protocol AttemptCounts: Sendable {
  /// Notes that the jobs are about to be worked on. Returns how often each was begun, this time included, in the
  /// order of `jobs`. A job named twice is counted once.
  ///
  /// Throws where nothing could be counted, or nobody knows: the jobs may then have been counted.
  func begin(_ jobs: [JobKey]) async throws -> [Int]

  /// The jobs' outcomes are committed: forgets their counts. Harmless for jobs that were never begun.
  func end(_ jobs: [JobKey]) async throws

  /// The jobs were put back unharmed, as when a worker drains or loses a partition: takes back one beginning of
  /// each, so that orderly restarts exhaust no job.
  func withdraw(_ jobs: [JobKey]) async throws
}

/// Names a job across workers and restarts: the record it was read from, and for which consumer group.
public struct JobKey: Sendable, Hashable, CustomStringConvertible {
  public let description: String

  public init(group: String, topic: String, partition: Int32, offset: Int64) {
    // A topic has no slash, so nothing but the last part can have one. Stores keep texts without NUL.
    description = "\(topic)/\(partition)/\(offset)/\(group.replacing("\0", with: "\u{FFFD}"))"
  }
}

/// How long a count is kept that nobody ended: longer than a record is usually kept in its topic (seven days).
public let attemptsKept = Duration.seconds(30 * 86_400)
