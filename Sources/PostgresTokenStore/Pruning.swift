import Answering
import Foundation

/// Deletes entries in small batches, so that others get their turn in between, and so do the server's log and its
/// standbys. Entries that are being written just now are passed over.
struct Pruning {
  let pool: ConnectionPool
  let settings: PostgresSettings

  private static let batch = 64

  func prune(_ limits: PruneLimits) async throws -> PruneResult {
    var result = PruneResult(entries: 0, bytes: 0)
    if let unusedSince = limits.unusedSince { result = try await delete(unusedSince: unusedSince) }
    if let bytes = limits.bytes {
      let excess = try await delete(beyond: bytes)
      result.entries += excess.entries
      result.bytes += excess.bytes
    }
    try await deleteOutlived()
    return result
  }

  private func delete(unusedSince: Date) async throws -> PruneResult {
    // By the database's clock: so long ago.
    let age = (Date.now.timeIntervalSince(unusedSince) * 1_000_000).rounded()
    let begin = try await number(
      "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", within: settings.timeout)
    var result = PruneResult(entries: 0, bytes: 0)
    while true {
      let deleted = try await delete(
        """
        DELETE FROM focus_compressed_image WHERE key IN
          (SELECT key FROM focus_compressed_image
           WHERE last_used_at < to_timestamp(0) + $1 * interval '1 microsecond'
           ORDER BY last_used_at, key LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING bytes
        """, [.integer(begin - Int(clamping: Int64(max(-1e15, min(1e15, age))))), .integer(Self.batch)])
      if deleted.isEmpty { return result }
      result.add(deleted)
    }
  }

  /// Deletes the least recently used until at most so many bytes are left.
  private func delete(beyond bytes: Int) async throws -> PruneResult {
    var result = PruneResult(entries: 0, bytes: 0)
    let sum = "SELECT coalesce(sum(bytes), 0)::bigint FROM focus_compressed_image"
    var excess = try await number(sum, within: settings.upkeepTimeout) - bytes
    while excess > 0 {
      // The oldest entries whose elders together hold less than the excess.
      let deleted = try await delete(
        """
        WITH oldest AS MATERIALIZED
          (SELECT key, bytes, last_used_at FROM focus_compressed_image
           ORDER BY last_used_at, key LIMIT $2 FOR UPDATE SKIP LOCKED),
        summed AS
          (SELECT key, sum(bytes) OVER (ORDER BY last_used_at, key) - bytes AS elders FROM oldest)
        DELETE FROM focus_compressed_image i USING summed
        WHERE i.key = summed.key AND summed.elders < $1
        RETURNING i.bytes
        """, [.integer(excess), .integer(Self.batch)])
      if deleted.isEmpty { return result }
      result.add(deleted)
      excess -= deleted.reduce(0, +)
    }
    return result
  }

  /// Leases and attempt counts whose workers never came back for them.
  private func deleteOutlived() async throws {
    let statements = [
      Statement("DELETE FROM focus_encode_lease WHERE expires_at < clock_timestamp() - interval '1 hour'"),
      AttemptRows.expiry,
    ]
    try await pool.run(within: settings.upkeepTimeout) { _ = try $0.run(statements, $1) }
  }

  private func delete(_ sql: String, _ parameters: [Parameter]) async throws -> [Int] {
    let statement = Statement(sql, parameters)
    // Done twice it would delete twice as much, and count half of it.
    return try await pool.run(within: settings.upkeepTimeout, isRepeatable: false) { connection, deadline in
      guard let result = try connection.run([statement], deadline).first else { return [] }
      return try result.rows.map { try result.integer($0, 0) }
    }
  }

  private func number(_ sql: String, within limit: Duration) async throws -> Int {
    try await pool.run(within: limit) { connection, deadline in
      guard let result = try connection.run([Statement(sql)], deadline).first, !result.rows.isEmpty else {
        throw PostgresError.unexpectedAnswer("no row")
      }
      return try result.integer(0, 0)
    }
  }
}

extension PruneResult {
  fileprivate mutating func add(_ deleted: [Int]) {
    entries += deleted.count
    bytes += deleted.reduce(0, +)
  }
}
