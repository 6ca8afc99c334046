import Answering
import GRDB
import StoreConformance
import Testing

@testable import SQLiteTokenStore

@Suite("SQLite, as every token store")
struct ConformanceTests {
  @Test(arguments: StoreStory.all)
  func conforms(_ story: StoreStory) async throws {
    let folder = try TemporaryFolder()
    try await story.run { try await SQLiteTokenStore.open(path: folder.path("tokens.sqlite")) }
  }

  @Test(arguments: AttemptStory.all)
  func countsAttempts(_ story: AttemptStory) async throws {
    let folder = try TemporaryFolder()
    try await story.run {
      let store = try await SQLiteTokenStore.open(path: folder.path("tokens.sqlite"))
      return (store, { try await store.close() })
    }
  }

  @Test("Counts that nobody ended go when they are old")
  func oldAttempts() async throws {
    let folder = try TemporaryFolder()
    let store = try await SQLiteTokenStore.open(path: folder.path("tokens.sqlite"))
    let jobs = (0..<3).map { JobKey(group: "g", topic: "t", partition: 0, offset: $0) }
    _ = try await store.begin(jobs)
    try await store.pool.write { try $0.execute(sql: "UPDATE attempt SET begun_at = 0") }
    #expect(try await store.begin([jobs[0]]) == [1])
    #expect(try await store.pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM attempt") } == 1)
    try await store.close()
  }
}
