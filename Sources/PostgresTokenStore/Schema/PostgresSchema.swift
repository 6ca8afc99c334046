import Answering

/// The tables of the cache in a database: made, upgraded, removed and looked at.
public struct PostgresSchema: Sendable {
  private let pool: ConnectionPool

  /// Moving the rows of a large cache takes long.
  private static let migrationLimit = Duration.seconds(4 * 3600)
  private static let lookLimit = Duration.seconds(20)

  /// The version of the tables that this program works with.
  public static var latestVersion: Int { Migration.latest }

  init(_ pool: ConnectionPool) {
    self.pool = pool
  }

  /// Runs `work` with the tables of the URL's database. Throws `PostgresError`, and what `work` throws.
  public static func on<Value: Sendable>(
    _ url: String, _ work: (PostgresSchema) async throws -> Value
  ) async throws -> Value {
    let pool = ConnectionPool(try ConnectionSettings(url: url), connections: 1)
    do {
      let value = try await work(PostgresSchema(pool))
      await pool.close(within: .seconds(5))
      return value
    } catch {
      await pool.close(within: .seconds(5))
      throw error
    }
  }

  /// The database without user and password, for messages: `postgres://host:port/name`.
  public var database: String { pool.settings.database }

  /// Makes the tables, or brings them to a version. Safe while others do the same, and while workers run.
  ///
  /// - Parameters:
  ///   - version: nil for the latest; 0 removes the tables with all they hold.
  ///   - partitions: hash partitions of the table of images, 0 for none; nil leaves them as they are.
  ///   - isUnlogged: whether images are kept without a write-ahead log; nil leaves it as it is.
  /// - Returns: what was done, by name; empty where there was nothing to do.
  /// - Throws: `PostgresError`.
  public func migrate(
    to version: Int? = nil, partitions: Int? = nil, isUnlogged: Bool? = nil
  ) async throws -> [String] {
    let (database, target) = (database, version ?? Migration.latest)
    let change: @Sendable (TableLayout) -> TableLayout = { layout in
      TableLayout(partitions: partitions ?? layout.partitions, isUnlogged: isUnlogged ?? layout.isUnlogged)
    }
    // Looked at first, in a short time: a worker that starts must not wait long for a database that hangs.
    let isDone = try await pool.run(within: Self.lookLimit) { connection, deadline in
      try Migrator(connection: connection, deadline: deadline, database: database)
        .isDone(to: target, layout: change)
    }
    if isDone { return [] }
    return try await pool.run(within: Self.migrationLimit, isRepeatable: false) { connection, deadline in
      do {
        return try Migrator(connection: connection, deadline: deadline, database: database)
          .migrate(to: target, layout: change)
      } catch PostgresError.refused("42501", let message) {
        throw PostgresError.refused(
          state: "42501",
          message:
            "\(message). Making the cache's tables takes the right to: GRANT CREATE ON SCHEMA public, or "
            + "let their owner run focus cache migrate")
      }
    }
  }

  /// Looks at everything the cache needs of the database. Throws `PostgresError` where it cannot be reached.
  public func report() async throws -> PostgresReport {
    let database = database
    return try await pool.run(within: Self.lookLimit) { connection, deadline in
      let version = try Migrator(connection: connection, deadline: deadline, database: database).version()
      var report = PostgresReport(
        serverVersion: connection.serverVersion, version: version, neededVersion: Migration.latest)
      guard version >= Migration.latest else { return report }
      report.layout = try TableLayout.read(connection, deadline)
      let tables = ["focus_compressed_image", "focus_encode_lease", "focus_attempt"]
      let rights = Statement(
        """
        SELECT t || ': ' || r FROM unnest($1::text[]) t, unnest($2::text[]) r
        WHERE NOT has_table_privilege(t, r)
        UNION ALL
        SELECT s || ': USAGE' FROM unnest($3::text[]) s WHERE NOT has_sequence_privilege(s, 'USAGE')
        """,
        [
          .texts(tables), .texts(["SELECT", "INSERT", "UPDATE", "DELETE"]),
          .texts(["focus_encode_lease_fencing"]),
        ])
      if let missing = try connection.run([rights], deadline).first {
        report.missingRights = missing.rows.map { missing.text($0, 0) }
      }
      return report
    }
  }
}

/// What a database has of that which the cache needs.
public struct PostgresReport: Sendable, Equatable {
  /// As 150018 for 15.18.
  public var serverVersion: Int
  /// Of the tables; 0 where there are none.
  public var version: Int
  public var neededVersion: Int
  /// nil where there is no table yet.
  public var layout: TableLayout?
  /// Rights on tables that the user lacks, as `focus_attempt: DELETE`.
  public var missingRights: [String] = []

  public init(serverVersion: Int, version: Int, neededVersion: Int) {
    self.serverVersion = serverVersion
    self.version = version
    self.neededVersion = neededVersion
  }

  /// The oldest server that has everything used here (`MATERIALIZED` came last).
  public static let leastServerVersion = 120_000
}
