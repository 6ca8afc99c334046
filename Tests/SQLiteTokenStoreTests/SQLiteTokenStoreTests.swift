import Answering
import Foundation
import GRDB
import Testing

@testable import SQLiteTokenStore

@Suite("A token store in a SQLite file")
struct SQLiteTokenStoreTests {
  let folder: TemporaryFolder
  let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path("tokens.sqlite")
  }

  @Test("Pruning gives the space back to the disk")
  func fileShrinks() async throws {
    let store = try await SQLiteTokenStore.open(path: path)
    for index in 0..<20 { try await store.save(entry("\(index)", bytes: 200_000)) }
    _ = try await store.prune(PruneLimits(bytes: 200_000))
    #expect(try folder.size("tokens.sqlite") < 600_000)
    #expect(try await store.load(key("19")) != nil)
    try await store.close()
  }

  @Test("Noting a use writes little, however large the blob")
  func touching() async throws {
    let store = try await SQLiteTokenStore.open(path: path)
    try await store.save(entry("cat", bytes: 2_000_000))
    _ = try await store.pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    _ = try await store.load(key("cat"))
    _ = try await store.statistics()
    #expect(try folder.size("tokens.sqlite-wal") < 100_000)
    try await store.close()
  }

  @Test("Beyond its capacity the least recently used entries go, soon")
  func capacity() async throws {
    let store = try await SQLiteTokenStore.open(path: path, capacity: 1000)
    for index in 0..<15 {
      try await store.save(entry("\(index)", bytes: 100))
      try await Task.sleep(for: .milliseconds(5))
    }
    try await store.close()
    let again = try await SQLiteTokenStore.open(path: path)
    #expect(try await again.statistics().bytes <= 1000)
    #expect(try await again.load(key("14")) != nil)
    #expect(try await again.load(key("0")) == nil)
    try await again.close()
  }

  @Test("The first opening migrates, the second has nothing to do")
  func migrates() async throws {
    let first = try await SQLiteTokenStore.open(path: path)
    #expect(first.appliedMigrations == ["1 compressed images", "2 attempts"])
    try await first.close()
    // All that is left is one file.
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["tokens.sqlite"])
    let second = try await SQLiteTokenStore.open(path: path)
    #expect(second.appliedMigrations.isEmpty)
    try await second.close()
  }

  @Test("Several open a new file at once, and all use it", arguments: 0..<10)
  func openedAtOnce(round: Int) async throws {
    let path = path
    let found = try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<6 {
        group.addTask {
          let store = try await SQLiteTokenStore.open(path: path)
          try await store.save(entry("\(index)", bytes: 1000))
          let isThere = try await store.load(key("\(index)")) != nil
          try await store.close()
          return isThere
        }
      }
      return try await group.reduce(true) { $0 && $1 }
    }
    #expect(found)
  }

  @Test("A file locked for writing is still read; a save fails and the next one works")
  func locked() async throws {
    let store = try await SQLiteTokenStore.open(path: path)
    try await store.save(entry("cat", bytes: 100))
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: path, configuration: configuration)
    try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    #expect(try await store.load(key("cat")) != nil)
    let error = await #expect(throws: DatabaseError.self) {
      try await store.save(entry("dog", bytes: 100))
    }
    #expect(error?.resultCode == .SQLITE_BUSY)
    try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    try other.close()
    try await store.save(entry("dog", bytes: 100))
    #expect(try await store.load(key("dog")) != nil)
    try await store.close()
  }

  @Test("A full disk fails a save, and leaves the store as it was")
  func full() async throws {
    let store = try await SQLiteTokenStore.open(path: path)
    try await store.save(entry("cat", bytes: 100))
    // A limit on pages stands for a disk that is full.
    try await store.pool.writeWithoutTransaction { database in
      let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
      try database.execute(sql: "PRAGMA max_page_count = \(pages + 2)")
    }
    let error = await #expect(throws: DatabaseError.self) {
      try await store.save(entry("dog", bytes: 500_000))
    }
    #expect(error?.resultCode == .SQLITE_FULL)
    #expect(try await store.load(key("cat")) != nil)
    #expect(try await store.statistics().entries == 1)
    try await store.close()
  }

  @Test("Damage in the middle of the file is an error or other bytes, never the end of the process")
  func damagedInside() async throws {
    let store = try await SQLiteTokenStore.open(path: path)
    for index in 0..<20 { try await store.save(entry("\(index)", bytes: 50_000)) }
    try await store.close()
    var bytes = try Data(contentsOf: URL(filePath: path))
    for place in stride(from: 16_384, to: bytes.count, by: 97) { bytes[place] ^= 0xFF }
    try bytes.write(to: URL(filePath: path))
    guard let damaged = try? await SQLiteTokenStore.open(path: path) else { return }
    for index in 0..<20 {
      let blob = try? await damaged.load(key("\(index)"))
      #expect(blob != entry("\(index)", bytes: 50_000).blob)
    }
    try? await damaged.close()
  }

  @Test("A file that is none, another program's, or a newer version's is refused by name, untouched")
  func refused() async throws {
    try Data(
      "no database at all, but long enough for a header of a hundred bytes, as SQLite's file format has it"
        .utf8
    ).write(to: URL(filePath: path))
    await #expect(throws: SQLiteStoreError.self) { try await SQLiteTokenStore.open(path: path) }

    let foreign = folder.path("photos.sqlite")
    let photos = try DatabaseQueue(path: foreign)
    try await photos.write { try $0.execute(sql: "CREATE TABLE photo (id INTEGER)") }
    try photos.close()
    let before = try Data(contentsOf: URL(filePath: foreign))
    await #expect(throws: SQLiteStoreError.foreign(path: foreign)) {
      try await SQLiteTokenStore.open(path: foreign)
    }
    #expect(try Data(contentsOf: URL(filePath: foreign)) == before)

    let newer = folder.path("newer.sqlite")
    let store = try await SQLiteTokenStore.open(path: newer)
    try await store.pool.write {
      try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99 of the future')")
    }
    try await store.close()
    await #expect(throws: SQLiteStoreError.newer(path: newer)) {
      try await SQLiteTokenStore.open(path: newer)
    }
  }

  @Test("A closed store says so")
  func closed() async throws {
    let store = try await SQLiteTokenStore.open(path: path)
    try await store.close()
    await #expect(throws: DatabaseError.self) { try await store.load(key("cat")) }
  }

  private func key(_ name: String) -> TokenKey { TokenKey(imageSHA256: name, recipe: "") }

  private func entry(_ name: String, bytes: Int) -> TokenEntry {
    TokenEntry(
      key: key(name), blob: Data(repeating: 9, count: bytes), imageSHA256: name, model: "m", encodedTokens: 1,
      tokens: 1)
  }
}
