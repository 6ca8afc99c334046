import Answering
import Dispatch
import Foundation
import GRDB

/// Compressed images in one SQLite file, for one machine; several processes may share it.
///
/// GRDB runs every statement on queues of its own, so nothing here blocks Swift's cooperative pool. Errors are
/// GRDB's `DatabaseError`: a file that is locked for longer than five seconds, damaged, or on a full disk.
public actor SQLiteTokenStore: TokenStore {
  public nonisolated let path: String
  /// Names of the migrations that opening applied; empty where the file was up to date.
  public nonisolated let appliedMigrations: [String]
  nonisolated let pool: DatabasePool

  /// Bytes of blobs kept at most, and how many are there as far as this process knows.
  private let capacity: Int?
  private var bytes: Int
  /// Uses not written yet: milliseconds since 1970.
  private var uses: [TokenKey: Int] = [:]
  private var firstUse: ContinuousClock.Instant?
  /// Writes uses or prunes, beside what callers wait for.
  private var upkeep: Task<Void, Never>?

  /// Uses are written once there are so many, or the first is so old.
  private static let usesAtOnce = 256
  private static let usesKept = Duration.seconds(30)

  /// Opens, creates or upgrades the file; its folder must exist.
  ///
  /// - Parameter capacity: bytes of blobs; when saves exceed it, the least recently used entries go. nil for any.
  /// - Throws: `SQLiteStoreError`.
  public static func open(path: String, capacity: Int? = nil) async throws -> SQLiteTokenStore {
    try await blocking {
      let database = try TokenDatabase.open(path: path)
      let bytes = try database.pool.read { try Int.fetchOne($0, sql: Self.sumOfBytes) ?? 0 }
      return SQLiteTokenStore(database, path: path, capacity: capacity, bytes: bytes)
    }
  }

  private init(_ database: TokenDatabase, path: String, capacity: Int?, bytes: Int) {
    self.path = path
    appliedMigrations = database.appliedMigrations
    pool = database.pool
    self.capacity = capacity
    self.bytes = bytes
  }

  public func load(_ key: TokenKey) async throws -> Data? {
    let blob = try await pool.read { database in
      try Data.fetchOne(
        database,
        sql: """
          SELECT blob FROM compressed_image_blob
          WHERE image = (SELECT id FROM compressed_image WHERE key = ?)
          """, arguments: [key.data])
    }
    if blob != nil { noteUse(of: key) }
    return blob
  }

  public func save(_ entry: TokenEntry) async throws {
    let uses = takeUses()
    try await pool.write { database in
      try Self.write(uses, database)
      let now = Self.now
      let id = try Int64.fetchOne(
        database,
        sql: """
          INSERT INTO compressed_image
            (key, image_sha256, model, encoded_tokens, tokens, bytes, created_at, last_used_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (key) DO UPDATE SET
            image_sha256 = excluded.image_sha256, model = excluded.model,
            encoded_tokens = excluded.encoded_tokens, tokens = excluded.tokens, bytes = excluded.bytes,
            created_at = excluded.created_at, last_used_at = excluded.last_used_at
          RETURNING id
          """,
        arguments: [
          entry.key.data, entry.imageSHA256, entry.model, entry.encodedTokens, entry.tokens, entry.blob.count,
          now, now,
        ])
      try database.execute(
        sql: """
          INSERT INTO compressed_image_blob (image, blob) VALUES (?, ?)
          ON CONFLICT (image) DO UPDATE SET blob = excluded.blob
          """, arguments: [id, entry.blob])
    }
    bytes += entry.blob.count
    if let capacity, bytes > capacity { startUpkeep() }
  }

  public func statistics() async throws -> TokenStoreStatistics {
    try await flush()
    return try await pool.read { database in
      var statistics = TokenStoreStatistics()
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT model, count(*) AS entries, sum(bytes) AS bytes, min(last_used_at) AS oldest,
            max(last_used_at) AS newest
          FROM compressed_image GROUP BY model
          """)
      for row in rows {
        statistics.entries += row["entries"]
        statistics.bytes += row["bytes"]
        statistics.models[row["model"]] = .init(entries: row["entries"], bytes: row["bytes"])
        let (oldest, newest) = (Date(milliseconds: row["oldest"]), Date(milliseconds: row["newest"]))
        statistics.oldestUse = min(statistics.oldestUse ?? oldest, oldest)
        statistics.newestUse = max(statistics.newestUse ?? newest, newest)
      }
      return statistics
    }
  }

  public func prune(_ limits: PruneLimits) async throws -> PruneResult {
    try await flush()
    let result = try await Pruning(pool: pool).prune(limits)
    bytes -= result.bytes
    return result
  }

  public func close() async throws {
    await upkeep?.value
    let written = await Task { try await self.flush() }.result
    let pool = pool
    try await Self.blocking {
      // The last connection to close copies the write-ahead log into the file and removes it. That must be the
      // writer, and GRDB would close it first: so the readers, which this closes, go before.
      pool.releaseMemory()
      try pool.close()
    }
    try written.get()
  }

  // MARK: Uses

  private func noteUse(of key: TokenKey) {
    uses[key] = Self.now
    let first = firstUse ?? .now
    firstUse = first
    if uses.count >= Self.usesAtOnce || ContinuousClock.now - first > Self.usesKept { startUpkeep() }
  }

  private func takeUses() -> [TokenKey: Int] {
    defer { (uses, firstUse) = ([:], nil) }
    return uses
  }

  /// Writes the uses noted so far. Those that cannot be written are lost, which makes pruning a little less just.
  private func flush() async throws {
    let uses = takeUses()
    if uses.isEmpty { return }
    try await pool.write { try Self.write(uses, $0) }
  }

  private static func write(_ uses: [TokenKey: Int], _ database: Database) throws {
    let statement = try database.cachedStatement(
      sql: "UPDATE compressed_image SET last_used_at = max(last_used_at, ?) WHERE key = ?")
    for (key, time) in uses { try statement.execute(arguments: [time, key.data]) }
  }

  /// One at a time. What fails is tried again with a later use or save.
  private func startUpkeep() {
    guard upkeep == nil else { return }
    upkeep = Task {
      try? await flush()
      // Again where saves went on meanwhile.
      while let capacity, bytes > capacity {
        do {
          // To nine tenths, so that it is not done again with the next save. The file keeps its size: the pages
          // are used again.
          _ = try await Pruning(pool: pool).delete(beyond: capacity / 10 * 9)
          // Others may have saved and pruned, too.
          bytes = try await pool.read { try Int.fetchOne($0, sql: Self.sumOfBytes) ?? 0 }
        } catch {
          break
        }
      }
      upkeep = nil
    }
  }

  // MARK: Small parts

  static let sumOfBytes = "SELECT ifnull(sum(bytes), 0) FROM compressed_image"

  private static var now: Int { Date.now.milliseconds }

  /// Runs what blocks on a queue of its own.
  private static func blocking<Value: Sendable>(
    _ work: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue(label: "focus.tokens.open").async { continuation.resume(with: Result { try work() }) }
    }
  }
}

extension TokenKey {
  fileprivate var data: Data { Data(digest) }
}

extension Date {
  init(milliseconds: Int) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }

  var milliseconds: Int { Int((timeIntervalSince1970 * 1000).rounded(.down)) }
}
