import Answering
import Foundation
import GRDB

/// Deletes entries in small batches, so that other writers get their turn in between.
struct Pruning {
  let pool: DatabasePool

  private static let batch = 64
  /// Pages given back to the disk at once: 16 MiB.
  private static let pages = 1024

  func prune(_ limits: PruneLimits) async throws -> PruneResult {
    var result = PruneResult(entries: 0, bytes: 0)
    if let unusedSince = limits.unusedSince { result = try await delete(unusedSince: unusedSince) }
    if let bytes = limits.bytes {
      let excess = try await delete(beyond: bytes)
      result.entries += excess.entries
      result.bytes += excess.bytes
    }
    try await shrinkFile()
    return result
  }

  func delete(unusedSince: Date) async throws -> PruneResult {
    var result = PruneResult(entries: 0, bytes: 0)
    while true {
      let deleted = try await pool.write { database in
        try Int.fetchAll(
          database,
          sql: """
            DELETE FROM compressed_image WHERE id IN
              (SELECT id FROM compressed_image WHERE last_used_at < ? ORDER BY last_used_at, id LIMIT ?)
            RETURNING bytes
            """, arguments: [unusedSince.milliseconds, Self.batch])
      }
      if deleted.isEmpty { return result }
      result.entries += deleted.count
      result.bytes += deleted.reduce(0, +)
    }
  }

  /// Deletes the least recently used until at most so many bytes are left.
  func delete(beyond bytes: Int) async throws -> PruneResult {
    var result = PruneResult(entries: 0, bytes: 0)
    var excess = try await pool.read { try Int.fetchOne($0, sql: SQLiteTokenStore.sumOfBytes) ?? 0 } - bytes
    while excess > 0 {
      let most = excess
      let deleted = try await pool.write { database in
        // The oldest entries whose elders together hold less than the excess.
        try Int.fetchAll(
          database,
          sql: """
            DELETE FROM compressed_image WHERE id IN
              (SELECT id FROM
                (SELECT id, sum(bytes) OVER (ORDER BY last_used_at, id) - bytes AS elders FROM
                  (SELECT * FROM compressed_image ORDER BY last_used_at, id LIMIT ?))
               WHERE elders < ?)
            RETURNING bytes
            """, arguments: [Self.batch, most])
      }
      if deleted.isEmpty { return result }
      result.entries += deleted.count
      result.bytes += deleted.reduce(0, +)
      excess -= deleted.reduce(0, +)
    }
    return result
  }

  /// Gives free pages back to the disk.
  private func shrinkFile() async throws {
    var free = Int.max
    while true {
      let left = try await pool.write { database in
        try database.execute(sql: "PRAGMA incremental_vacuum(\(Self.pages))")
        return try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
      }
      // A file that another program rebuilt may not be able to shrink.
      if left == 0 || left >= free { break }
      free = left
    }
    // The file itself shrinks when the write-ahead log is copied into it. Not while others read: later, then.
    _ = try? await pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
  }
}
