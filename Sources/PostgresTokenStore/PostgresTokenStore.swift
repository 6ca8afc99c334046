import Answering
import Foundation

/// Compressed images in a PostgreSQL database, for any number of workers.
///
/// Times are the database's own, so that workers' clocks may differ. A blob is checked by whoever decodes it. An
/// error is a `PostgresError`, thrown within seconds; the next call connects again by itself.
public actor PostgresTokenStore: TokenStore {
  /// The database without user and password, for messages.
  public nonisolated let database: String
  /// Names of the migrations that opening applied; empty where the tables were up to date.
  public nonisolated let appliedMigrations: [String]
  /// This store's name on leases: no other ever has it.
  nonisolated let owner = UUID().uuidString
  nonisolated let pool: ConnectionPool
  nonisolated let settings: PostgresSettings

  /// Uses not written yet.
  private var uses: [TokenKey: ContinuousClock.Instant] = [:]
  private var firstUse: ContinuousClock.Instant?
  /// Writes uses beside what callers wait for.
  private var upkeep: Task<Void, Never>?
  /// When old attempt counts are looked for again.
  var nextExpiry = ContinuousClock.now

  /// Uses are written once there are so many, or the first is so old.
  private static let usesAtOnce = 256
  private static let usesKept = Duration.seconds(30)

  /// Connects, and makes or upgrades the tables. Throws `PostgresError`.
  public static func open(
    url: String, settings: PostgresSettings = PostgresSettings()
  ) async throws -> PostgresTokenStore {
    let pool = ConnectionPool(try ConnectionSettings(url: url), connections: settings.connections)
    do {
      let applied = try await PostgresSchema(pool).migrate()
      return PostgresTokenStore(pool, settings, appliedMigrations: applied)
    } catch {
      await pool.close(within: settings.timeout)
      throw error
    }
  }

  /// A store on a database that may be down just now: it connects when it is first asked, and makes no tables.
  /// Throws `PostgresError.unusableURL`.
  public init(url: String, settings: PostgresSettings = PostgresSettings()) throws {
    self.init(
      ConnectionPool(try ConnectionSettings(url: url), connections: settings.connections), settings,
      appliedMigrations: [])
  }

  private init(_ pool: ConnectionPool, _ settings: PostgresSettings, appliedMigrations: [String]) {
    self.pool = pool
    self.settings = settings
    self.appliedMigrations = appliedMigrations
    database = pool.settings.database
  }

  public func load(_ key: TokenKey) async throws -> Data? {
    let statement = Statement("SELECT blob FROM focus_compressed_image WHERE key = $1", [.key(key)])
    let blob: Data? = try await pool.run(within: settings.timeout) { connection, deadline in
      guard let result = try connection.run([statement], deadline).first, !result.rows.isEmpty else {
        return nil
      }
      return result.bytes(0, 0)
    }
    if blob != nil { noteUse(of: key) }
    return blob
  }

  public func save(_ entry: TokenEntry) async throws {
    let insert = Statement(
      """
      INSERT INTO focus_compressed_image
        (key, image_sha256, model, encoded_tokens, tokens, map_columns, map_rows, bytes, created_at,
        last_used_at, blob)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp(), clock_timestamp(), $9)
      ON CONFLICT (key) DO UPDATE SET
        image_sha256 = excluded.image_sha256, model = excluded.model,
        encoded_tokens = excluded.encoded_tokens, tokens = excluded.tokens,
        map_columns = excluded.map_columns, map_rows = excluded.map_rows, bytes = excluded.bytes,
        created_at = excluded.created_at, last_used_at = excluded.last_used_at, blob = excluded.blob
      """,
      [
        .key(entry.key), .text(entry.imageSHA256), .text(entry.model), .integer(entry.encodedTokens),
        .integer(entry.tokens), .integer(entry.map.columns), .integer(entry.map.rows),
        .integer(entry.blob.count), .bytes(entry.blob),
      ])
    // After the entry: it waits for no lock, so that two saves never wait for each other.
    let statements = [insert] + Self.noting(takeUses())
    try await pool.run(within: settings.timeout) { _ = try $0.run(statements, $1) }
  }

  public func statistics() async throws -> TokenStoreStatistics {
    try await flush()
    let statement = Statement(
      """
      SELECT model, count(*), sum(bytes)::bigint,
        (extract(epoch FROM min(last_used_at)) * 1000000)::bigint,
        (extract(epoch FROM max(last_used_at)) * 1000000)::bigint
      FROM focus_compressed_image GROUP BY model
      """)
    return try await pool.run(within: settings.upkeepTimeout) { connection, deadline in
      var statistics = TokenStoreStatistics()
      guard let result = try connection.run([statement], deadline).first else { return statistics }
      for row in result.rows {
        let (entries, bytes) = (try result.integer(row, 1), try result.integer(row, 2))
        statistics.entries += entries
        statistics.bytes += bytes
        statistics.models[result.text(row, 0)] = .init(entries: entries, bytes: bytes)
        let oldest = Date(microseconds: try result.integer(row, 3))
        let newest = Date(microseconds: try result.integer(row, 4))
        statistics.oldestUse = min(statistics.oldestUse ?? oldest, oldest)
        statistics.newestUse = max(statistics.newestUse ?? newest, newest)
      }
      return statistics
    }
  }

  public func prune(_ limits: PruneLimits) async throws -> PruneResult {
    try await flush()
    return try await Pruning(pool: pool, settings: settings).prune(limits)
  }

  public func close() async throws {
    await upkeep?.value
    // Also where the caller has been cancelled.
    let written = await Task { try await self.flush() }.result
    await pool.close(within: settings.timeout)
    try written.get()
  }

  // MARK: Uses

  private func noteUse(of key: TokenKey) {
    let now = ContinuousClock.now
    uses[key] = now
    let first = firstUse ?? now
    firstUse = first
    guard uses.count >= Self.usesAtOnce || now - first > Self.usesKept, upkeep == nil else { return }
    upkeep = Task {
      // Uses that cannot be written are lost, which makes pruning a little less just.
      try? await flush()
      upkeep = nil
    }
  }

  private func takeUses() -> [TokenKey: ContinuousClock.Instant] {
    defer { (uses, firstUse) = ([:], nil) }
    return uses
  }

  private func flush() async throws {
    let statements = Self.noting(takeUses())
    if statements.isEmpty { return }
    try await pool.run(within: settings.timeout) { _ = try $0.run(statements, $1) }
  }

  /// Writes the uses, each as old as it is. Rows that another worker is writing are passed over: they are being
  /// used just now.
  private static func noting(_ uses: [TokenKey: ContinuousClock.Instant]) -> [Statement] {
    if uses.isEmpty { return [] }
    let now = ContinuousClock.now
    let uses = Array(uses)
    return [
      Statement(
        """
        WITH used AS (
          SELECT i.key, u.age FROM unnest($1::bytea[], $2::bigint[]) AS u (key, age)
          JOIN focus_compressed_image i ON i.key = u.key
          FOR UPDATE OF i SKIP LOCKED)
        UPDATE focus_compressed_image i
        SET last_used_at = greatest(i.last_used_at, clock_timestamp() - used.age * interval '1 microsecond')
        FROM used WHERE i.key = used.key
        """,
        [
          .byteStrings(uses.map { Data($0.key.digest) }),
          .integers(
            uses.map { Int(clamping: Int64(($0.value.duration(to: now) / .microseconds(1)).rounded())) }),
        ])
    ]
  }
}

/// How a store uses its database.
public struct PostgresSettings: Sendable, Equatable {
  /// Open at once, at most.
  public var connections: Int
  /// Until when a job's own call must have its answer.
  public var timeout: Duration
  /// The same for what looks at the whole table: statistics, and the sums that pruning begins with.
  public var upkeepTimeout: Duration

  public init(
    connections: Int = 4, timeout: Duration = .seconds(5), upkeepTimeout: Duration = .seconds(120)
  ) {
    self.connections = max(1, connections)
    self.timeout = timeout
    self.upkeepTimeout = upkeepTimeout
  }
}

extension Parameter {
  static func key(_ key: TokenKey) -> Parameter { .bytes(Data(key.digest)) }
}

extension Date {
  init(microseconds: Int) { self.init(timeIntervalSince1970: Double(microseconds) / 1_000_000) }
}
