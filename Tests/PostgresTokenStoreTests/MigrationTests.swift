import Adversary
import Answering
import Foundation
import Testing

@testable import PostgresTokenStore

@Suite("The tables in the database")
struct MigrationTests {
  let server: PostgresServer
  let url: String

  init() async throws {
    server = try await PostgresServer.shared()
    url = try await server.makeDatabase()
  }

  @Test("The program holds the SQL of schemas/postgres; script/embed-migrations writes it anew")
  func embeddedTexts() throws {
    let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder = package.appending(path: "schemas/postgres")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.hasSuffix(".sql")
    }
    #expect(Set(files) == Set(migrationTexts.keys))
    for file in files {
      let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
      #expect(migrationTexts[file].map { $0 + "\n" } == text, "\(file)")
    }
    #expect(Migration.all.map(\.version) == Array(1...Migration.all.count))
    #expect(Migration.all.allSatisfy { !$0.up.isEmpty && !$0.down.isEmpty })
  }

  @Test("Up, again, down, and up: all is there, then nothing, then all")
  func upAndDown() async throws {
    let names = Migration.all.map(\.name)
    #expect(try await migrate() == names)
    #expect(try await migrate() == [])
    #expect(try await relations() == "5")
    #expect(try await migrate(to: 1) == names.dropFirst().reversed().map { "\($0) undone" })
    #expect(try await relations() == "2")
    #expect(try await migrate(to: 0) == ["\(names[0]) undone"])
    #expect(try await relations() == "0")
    #expect(try await migrate() == names)
    #expect(try await relations() == "5")
    #expect(try await migrate(to: 0).count == names.count)
    #expect(try await migrate(to: 0) == [])
  }

  @Test("Many migrate and open at once: one does it, all find it done")
  func atOnce() async throws {
    let url = url
    let applied = try await withThrowingTaskGroup(of: [String].self) { group in
      for index in 0..<6 {
        group.addTask {
          if index % 2 == 0 { return try await PostgresSchema.on(url) { try await $0.migrate() } }
          let store = try await PostgresTokenStore.open(url: url, settings: .patient)
          try await store.save(.sample("\(index)"))
          try await store.close()
          return store.appliedMigrations
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(applied == Migration.all.map(\.name))
  }

  @Test("The layout changes with all entries and rights kept, and back")
  func layouts() async throws {
    let store = try await PostgresTokenStore.open(url: url, settings: .patient)
    for index in 0..<40 { try await store.save(.sample("\(index)", bytes: 3000)) }
    _ = try await server.sql("CREATE ROLE reader_\(name)", in: name)
    _ = try await server.sql("GRANT SELECT ON focus_compressed_image TO reader_\(name)", in: name)
    for (partitions, isUnlogged) in [(8, true), (3, true), (3, false), (0, true), (0, false), (1, false)] {
      let done = try await PostgresSchema.on(url) { schema in
        try await schema.migrate(partitions: partitions, isUnlogged: isUnlogged)
      }
      #expect(done.count == 1)
      let again = try await PostgresSchema.on(url) { try await $0.migrate(partitions: partitions) }
      #expect(again == [])
      let report = try await PostgresSchema.on(url) { try await $0.report() }
      #expect(report.layout == TableLayout(partitions: partitions, isUnlogged: isUnlogged))
      #expect(report.missingRights == [])
      #expect(try await store.statistics().entries == 40)
      #expect(try await store.load(.sample("7"))?.count == 3000)
      try await store.save(.sample("7", bytes: 3000))
      let reads = "SELECT has_table_privilege('reader_\(name)', 'focus_compressed_image', 'SELECT')"
      #expect(try await server.sql(reads, in: name) == "t")
      // Blobs lie out of line, uncompressed.
      let storage = """
        SELECT DISTINCT attstorage FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE attname = 'blob' AND c.relname LIKE 'focus_compressed_image%' AND c.relkind IN ('r', 'p')
        """
      #expect(try await server.sql(storage, in: name) == "e")
    }
    #expect(try await migrate(to: 0).count == Migration.all.count)
    #expect(try await relations() == "0")
    try await store.close()
  }

  @Test("Tables of a later version are refused, by name and with what to do")
  func newerTables() async throws {
    _ = try await migrate()
    _ = try await server.sql("INSERT INTO focus_migration (version, name) VALUES (99, 'later')", in: name)
    let error = await #expect(throws: PostgresError.self) {
      _ = try await PostgresTokenStore.open(url: url, settings: .patient)
    }
    #expect(error == .newer(database: "postgres://127.0.0.1:\(server.port)/\(name)", version: 99))
    #expect(await #expect(throws: PostgresError.self) { _ = try await migrate() } == error)
  }

  @Test("A worker without the right to make tables is told so; once they are made it needs none")
  func rights() async throws {
    _ = try await server.sql("CREATE ROLE plain_\(name) LOGIN PASSWORD 's3cret/word'", in: name)
    let plain = server.url(name, user: "plain_\(name)")
    let refused = await #expect(throws: PostgresError.self) {
      _ = try await PostgresTokenStore.open(url: plain, settings: .patient)
    }
    #expect(refused?.description.contains("focus cache migrate") == true)
    _ = try await migrate()
    _ = try await server.sql("GRANT SELECT ON focus_migration TO plain_\(name)", in: name)
    var missing = try await PostgresSchema.on(plain) { try await $0.report().missingRights }
    #expect(missing.contains("focus_attempt: DELETE") && missing.count == 13)
    for table in ["focus_compressed_image", "focus_encode_lease", "focus_attempt"] {
      _ = try await server.sql(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON \(table) TO plain_\(name)", in: name)
    }
    _ = try await server.sql(
      "GRANT USAGE ON SEQUENCE focus_encode_lease_fencing TO plain_\(name)", in: name)
    missing = try await PostgresSchema.on(plain) { try await $0.report().missingRights }
    #expect(missing == [])
    let store = try await PostgresTokenStore.open(url: plain, settings: .patient)
    try await store.save(.sample("cat"))
    #expect(try await store.take(.sample("dog"), for: .seconds(1)) != nil)
    #expect(try await store.begin([JobKey(group: "g", topic: "t", partition: 0, offset: 1)]) == [1])
    try await store.close()
  }

  private var name: String { server.name(of: url) }

  private func migrate(to version: Int? = nil) async throws -> [String] {
    try await PostgresSchema.on(url) { try await $0.migrate(to: version) }
  }

  /// How many tables and sequences of ours there are.
  private func relations() async throws -> String {
    try await server.sql(
      "SELECT count(*) FROM pg_class WHERE relname LIKE 'focus%' AND relkind IN ('r', 'p', 'S')", in: name)
  }
}

extension TokenKey {
  static func sample(_ name: String) -> TokenKey { TokenKey(imageSHA256: name, recipe: "sample") }
}

extension TokenEntry {
  static func sample(_ name: String, bytes: Int = 100, fill: UInt8 = 1) -> TokenEntry {
    TokenEntry(
      key: .sample(name), blob: Data(repeating: fill, count: bytes), imageSHA256: name, model: "sample",
      encodedTokens: 2, tokens: 1)
  }
}
