import Answering
import Foundation
import GRDB

/// Attempt counts in the same file: written to it before `begin` returns, so that they outlive a killed worker.
extension SQLiteTokenStore: AttemptCounts {
  public nonisolated func begin(_ jobs: [JobKey]) async throws -> [Int] {
    if jobs.isEmpty { return [] }
    let counts = try await pool.write { database in
      let now = Date.now.milliseconds
      let oldest = now - Int(attemptsKept / .milliseconds(1))
      try database.execute(sql: "DELETE FROM attempt WHERE begun_at < ?", arguments: [oldest])
      let statement = try database.cachedStatement(
        sql: """
          INSERT INTO attempt (job, attempts, begun_at) VALUES (?, 1, ?)
          ON CONFLICT (job) DO UPDATE SET attempts = attempts + 1, begun_at = excluded.begun_at
          RETURNING attempts
          """)
      return try Set(jobs).reduce(into: [JobKey: Int]()) { counts, job in
        counts[job] = try Int.fetchOne(statement, arguments: [job.description, now])
      }
    }
    return jobs.map { counts[$0] ?? 1 }
  }

  public nonisolated func end(_ jobs: [JobKey]) async throws {
    try await pool.write { database in
      let statement = try database.cachedStatement(sql: "DELETE FROM attempt WHERE job = ?")
      for job in jobs { try statement.execute(arguments: [job.description]) }
    }
  }

  public nonisolated func withdraw(_ jobs: [JobKey]) async throws {
    try await pool.write { database in
      let statement = try database.cachedStatement(
        sql: "UPDATE attempt SET attempts = max(attempts - 1, 0) WHERE job = ?")
      for job in Set(jobs) { try statement.execute(arguments: [job.description]) }
    }
  }
}
