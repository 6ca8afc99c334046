import Answering
import Foundation

/// Leases are rows, never session locks, which would stay behind in a pooler's connection.
extension PostgresTokenStore: EncodeLeases {
  public nonisolated func take(_ key: TokenKey, for duration: Duration) async throws -> EncodeLease? {
    // A lease of this store's own: the answer to the first try was lost with its connection.
    let statement = Statement(
      """
      INSERT INTO focus_encode_lease AS l (key, owner, fencing, expires_at)
      VALUES ($1, $2, nextval('focus_encode_lease_fencing'),
        clock_timestamp() + $3 * interval '1 millisecond')
      ON CONFLICT (key) DO UPDATE SET
        owner = excluded.owner, fencing = excluded.fencing, expires_at = excluded.expires_at
      WHERE l.expires_at <= clock_timestamp() OR l.owner = excluded.owner
      RETURNING fencing
      """, [.key(key), .text(owner), .integer(duration.milliseconds)])
    return try await pool.run(within: settings.timeout) { connection, deadline in
      guard let result = try connection.run([statement], deadline).first, !result.rows.isEmpty else {
        return nil
      }
      return EncodeLease(key: key, fencing: try result.integer(0, 0))
    }
  }

  public nonisolated func renew(_ lease: EncodeLease, for duration: Duration) async throws -> Bool {
    let statement = Statement(
      """
      UPDATE focus_encode_lease SET expires_at = clock_timestamp() + $4 * interval '1 millisecond'
      WHERE key = $1 AND owner = $2 AND fencing = $3
      RETURNING fencing
      """, [.key(lease.key), .text(owner), .integer(lease.fencing), .integer(duration.milliseconds)])
    return try await pool.run(within: settings.timeout) { connection, deadline in
      try connection.run([statement], deadline).first?.rows.isEmpty == false
    }
  }

  public nonisolated func release(_ lease: EncodeLease) async throws {
    let statement = Statement(
      "DELETE FROM focus_encode_lease WHERE key = $1 AND owner = $2 AND fencing = $3",
      [.key(lease.key), .text(owner), .integer(lease.fencing)])
    try await pool.run(within: settings.timeout) { _ = try $0.run([statement], $1) }
  }
}
