import Answering
import Foundation

/// Attempt counts as rows, one statement for any number of jobs. Rows are locked in the order of their names, so
/// that two workers never wait for each other.
enum AttemptRows {
  static func begin(_ jobs: [JobKey]) -> Statement {
    Statement(
      """
      INSERT INTO focus_attempt AS a (job, attempts, begun_at)
      SELECT job, 1, clock_timestamp() FROM unnest($1::text[]) AS j (job) ORDER BY job
      ON CONFLICT (job) DO UPDATE SET
        attempts = CASE WHEN a.begun_at < clock_timestamp() - $2 * interval '1 millisecond'
          THEN 1 ELSE a.attempts + 1 END,
        begun_at = excluded.begun_at
      RETURNING job, attempts
      """, [names(jobs), .integer(attemptsKept.milliseconds)])
  }

  static func end(_ jobs: [JobKey]) -> Statement {
    Statement(
      """
      DELETE FROM focus_attempt WHERE job IN
        (SELECT job FROM focus_attempt WHERE job = ANY ($1::text[]) ORDER BY job FOR UPDATE)
      """, [names(jobs)])
  }

  /// The row stays at zero where this was the only beginning; it ends with the job, or of age.
  static func withdraw(_ jobs: [JobKey]) -> Statement {
    Statement(
      """
      UPDATE focus_attempt SET attempts = greatest(attempts - 1, 0) WHERE job IN
        (SELECT job FROM focus_attempt WHERE job = ANY ($1::text[]) ORDER BY job FOR UPDATE)
      """, [names(jobs)])
  }

  /// Deletes counts that nobody ended, some at a time.
  static let expiry = Statement(
    """
    DELETE FROM focus_attempt WHERE job IN
      (SELECT job FROM focus_attempt WHERE begun_at < clock_timestamp() - $1 * interval '1 millisecond'
       ORDER BY begun_at LIMIT 10000 FOR UPDATE SKIP LOCKED)
    """, [.integer(attemptsKept.milliseconds)])

  private static func names(_ jobs: [JobKey]) -> Parameter { .texts(Set(jobs).map(\.description)) }
}

extension PostgresTokenStore: AttemptCounts {
  public func begin(_ jobs: [JobKey]) async throws -> [Int] {
    if jobs.isEmpty { return [] }
    var statements = [AttemptRows.begin(jobs)]
    // Now and then, so that old counts go also where nobody prunes.
    if ContinuousClock.now >= nextExpiry {
      nextExpiry = .now + .seconds(3600)
      statements.append(AttemptRows.expiry)
    }
    let toRun = statements
    // Not repeated where a connection breaks: it may have counted.
    let counts = try await pool.run(within: settings.timeout, isRepeatable: false) { connection, deadline in
      var counts: [String: Int] = [:]
      guard let result = try connection.run(toRun, deadline).first else { return counts }
      for row in result.rows { counts[result.text(row, 0)] = try result.integer(row, 1) }
      return counts
    }
    return try jobs.map { job in
      guard let count = counts[job.description] else {
        throw PostgresError.unexpectedAnswer("no count of \(job)")
      }
      return count
    }
  }

  public nonisolated func end(_ jobs: [JobKey]) async throws {
    if jobs.isEmpty { return }
    try await pool.run(within: settings.timeout) { _ = try $0.run([AttemptRows.end(jobs)], $1) }
  }

  public nonisolated func withdraw(_ jobs: [JobKey]) async throws {
    if jobs.isEmpty { return }
    try await pool.run(within: settings.timeout, isRepeatable: false) {
      _ = try $0.run([AttemptRows.withdraw(jobs)], $1)
    }
  }
}
