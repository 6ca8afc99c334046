/// Brings the tables of a database to a version.
///
/// Everything happens in one transaction, under a lock of the transaction: of several workers that begin at
/// once one migrates, and the others find it done. Nothing is left half done.
struct Migrator {
  let connection: Connection
  let deadline: Deadline
  let database: String

  /// Names the lock among all advisory locks of the database: "focus".
  private static let lock = 0x66_6F63_7573

  /// The version of the tables; 0 where there are none.
  func version() throws -> Int {
    // Read from the catalogue: `to_regclass` may answer from before the wait for the lock.
    let exists = try number(
      "SELECT count(*) FROM pg_class WHERE relname = 'focus_migration' AND pg_table_is_visible(oid)")
    return exists == 0 ? 0 : try number("SELECT coalesce(max(version), 0)::bigint FROM focus_migration")
  }

  /// Whether there is nothing to do; a worker that may not make tables finds them made. Throws
  /// `PostgresError.newer` where a later program made the tables.
  func isDone(to target: Int, layout change: (TableLayout) -> TableLayout) throws -> Bool {
    let version = try version()
    guard version <= Migration.latest else { throw PostgresError.newer(database: database, version: version) }
    guard version == target, target > 0 else { return version == target }
    let layout = try TableLayout.read(connection, deadline)
    return change(layout) == layout
  }

  /// - Parameters:
  ///   - target: 0 removes the tables with all they hold.
  ///   - change: what layout is wanted, given the present one.
  /// - Returns: what was done, by name.
  /// - Throws: `PostgresError`.
  func migrate(to target: Int, layout change: (TableLayout) -> TableLayout) throws -> [String] {
    try connection.script(
      """
      BEGIN;
      SELECT pg_advisory_xact_lock(\(Self.lock));
      SET LOCAL lock_timeout = '60s';
      """, deadline)
    var done: [String] = []
    let version = try self.version()
    if version < target { done += try up(from: version, to: target) }
    if version > target { done += try down(from: version, to: target) }
    if target > 0 {
      let layout = try TableLayout.read(connection, deadline)
      let wanted = change(layout)
      if wanted != layout {
        try wanted.apply(connection, deadline)
        done.append(wanted.name)
      }
    }
    try connection.script("COMMIT", deadline)
    return done
  }

  private func up(from version: Int, to target: Int) throws -> [String] {
    if version == 0 {
      try connection.script(
        """
        CREATE TABLE IF NOT EXISTS focus_migration (
          version bigint NOT NULL PRIMARY KEY,
          name text NOT NULL,
          applied_at timestamptz NOT NULL DEFAULT now())
        """, deadline)
    }
    let pending = Migration.all.filter { $0.version > version && $0.version <= target }
    for migration in pending {
      try connection.script(migration.up, deadline)
      _ = try connection.run(
        [
          Statement(
            "INSERT INTO focus_migration (version, name) VALUES ($1, $2)",
            [.integer(migration.version), .text(migration.name)])
        ], deadline)
    }
    return pending.map(\.name)
  }

  private func down(from version: Int, to target: Int) throws -> [String] {
    let undone = Migration.all.filter { $0.version <= version && $0.version > target }.reversed()
    for migration in undone {
      try connection.script(migration.down, deadline)
      _ = try connection.run(
        [Statement("DELETE FROM focus_migration WHERE version = $1", [.integer(migration.version)])], deadline
      )
    }
    if target == 0 { try connection.script("DROP TABLE focus_migration", deadline) }
    return undone.map { "\($0.name) undone" }
  }

  private func number(_ sql: String) throws -> Int {
    guard let result = try connection.run([Statement(sql)], deadline).first, !result.rows.isEmpty else {
      throw PostgresError.unexpectedAnswer("no row")
    }
    return try result.integer(0, 0)
  }
}
