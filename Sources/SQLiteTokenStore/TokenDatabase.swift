import Foundation
import GRDB

/// The SQLite file of a token store: how it is opened, and its schema.
///
/// Several processes may use one file. Readers never wait for the writer (write-ahead log); writers wait for each
/// other for at most `busySeconds`.
struct TokenDatabase {
  let pool: DatabasePool
  /// Migrations that opening applied; empty where the file was up to date.
  let appliedMigrations: [String]

  /// In the header of every file of ours ("FOCU"), so that no other program's database is ever changed.
  private static let applicationID: Int32 = 0x464F_4355
  private static let busySeconds = 5.0

  /// Opens, creates or upgrades the file. Blocks. Throws `SQLiteStoreError`.
  static func open(path: String) throws -> TokenDatabase {
    let deadline = ContinuousClock.now + .seconds(busySeconds)
    while true {
      do {
        return try TokenDatabase(path: path)
      } catch let error as DatabaseError where error.mayPass && ContinuousClock.now < deadline {
        Thread.sleep(forTimeInterval: 0.05)
      } catch let error as SQLiteStoreError {
        throw error
      } catch {
        throw SQLiteStoreError.unusable(path: path, reason: "\(error)")
      }
    }
  }

  private init(path: String) throws {
    let isNew = try Self.isNew(path)
    var configuration = Configuration()
    configuration.label = "focus.tokens"
    configuration.busyMode = .timeout(Self.busySeconds)
    configuration.prepareDatabase { database in
      guard isNew, !database.configuration.readonly else { return }
      // Before the first table: large pages suit large blobs, and freed ones can be given back to the disk.
      try database.execute(
        sql: """
          PRAGMA page_size = 16384;
          PRAGMA auto_vacuum = INCREMENTAL;
          PRAGMA application_id = \(Self.applicationID);
          """)
    }
    pool = try DatabasePool(path: path, configuration: configuration)
    let migrator = Self.migrator
    let before = try pool.read { database in
      guard try !migrator.hasBeenSuperseded(database) else { throw SQLiteStoreError.newer(path: path) }
      return try Set(migrator.appliedIdentifiers(database))
    }
    try migrator.migrate(pool)
    appliedMigrations = migrator.migrations.filter { !before.contains($0) }
  }

  /// Whether there is no file yet, or one without tables. Throws where the file is none of ours.
  private static func isNew(_ path: String) throws -> Bool {
    guard FileManager.default.fileExists(atPath: path) else { return true }
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }
    let header = [UInt8](try file.read(upToCount: 100) ?? Data())
    if header.isEmpty { return true }
    guard header.count == 100, header.starts(with: Array("SQLite format 3\0".utf8)) else {
      throw SQLiteStoreError.unusable(path: path, reason: "it is no SQLite file, or a damaged one")
    }
    // Big-endian numbers (SQLite's "Database File Format").
    func number(at place: Int) -> Int32 { header[place..<place + 4].reduce(0) { $0 << 8 | Int32($1) } }
    let (schemaCookie, application) = (number(at: 40), number(at: 68))
    if application == applicationID { return false }
    // Nobody has made a table in it yet: another process of ours may be about to.
    if application == 0, schemaCookie == 0 { return true }
    throw SQLiteStoreError.foreign(path: path)
  }

  private static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 compressed images") { database in
      // 1. What is said of each image in the clear. Small rows: noting a use rewrites none of the blob.
      // 2. Pruning walks the images in the order of their last use.
      // 3. The blobs by themselves.
      try database.execute(
        sql: """
          CREATE TABLE compressed_image (
            id INTEGER PRIMARY KEY,
            key BLOB NOT NULL UNIQUE,        -- SHA-256 of the image's digest and all that decides its tokens
            image_sha256 TEXT NOT NULL,      -- of the image file's bytes, hexadecimal
            model TEXT NOT NULL,             -- name of the model whose vision tower made the tokens
            encoded_tokens INTEGER NOT NULL, -- visual tokens the vision tower made
            tokens INTEGER NOT NULL,         -- visual tokens kept
            bytes INTEGER NOT NULL,          -- of the blob
            created_at INTEGER NOT NULL,     -- milliseconds since 1970
            last_used_at INTEGER NOT NULL    -- milliseconds since 1970; written in batches
          ) STRICT;

          CREATE INDEX compressed_image_by_use ON compressed_image (last_used_at);

          CREATE TABLE compressed_image_blob (
            image INTEGER PRIMARY KEY REFERENCES compressed_image (id) ON DELETE CASCADE,
            blob BLOB NOT NULL               -- FOCUSIMG form, with its own checksum
          ) STRICT;
          """)
    }
    migrator.registerMigration("2 attempts") { database in
      // How often a job was begun and not ended. Counts that nobody ended go when they are old.
      try database.execute(
        sql: """
          CREATE TABLE attempt (
            job TEXT PRIMARY KEY,            -- consumer group, topic, partition and offset
            attempts INTEGER NOT NULL,
            begun_at INTEGER NOT NULL        -- the last time; milliseconds since 1970
          ) STRICT, WITHOUT ROWID;

          CREATE INDEX attempt_by_time ON attempt (begun_at);
          """)
    }
    return migrator
  }
}

extension DatabaseError {
  /// Whether another process may be making or upgrading the file just now, so that a later try finds it done.
  fileprivate var mayPass: Bool {
    switch resultCode {
    // The same migration at once: its table exists, or its name is noted already.
    case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_ERROR, .SQLITE_CONSTRAINT, .SQLITE_SCHEMA: true
    default: false
    }
  }
}

/// Why a token file cannot be used; what to do.
public enum SQLiteStoreError: Error, Equatable, CustomStringConvertible {
  case unusable(path: String, reason: String)
  /// Another program's database.
  case foreign(path: String)
  /// Written by a later version of this program.
  case newer(path: String)

  public var description: String {
    switch self {
    case .unusable(let path, let reason):
      "cannot use the token cache \(path): \(reason). Where it is damaged, delete it: it is made again."
    case .foreign(let path):
      "\(path) is the database of another program, not a token cache: name another file."
    case .newer(let path):
      "the token cache \(path) was made by a newer version of this program: use that, or name another file."
    }
  }
}
