import Adversary
import StoreConformance
import Testing

@testable import PostgresTokenStore

@Suite("PostgreSQL, as every token store")
struct ConformanceTests {
  @Test(arguments: StoreStory.all)
  func conforms(_ story: StoreStory) async throws {
    let url = try await PostgresServer.shared().makeDatabase()
    try await story.run { try await PostgresTokenStore.open(url: url, settings: .patient) }
  }

  @Test("The same in partitions", arguments: StoreStory.all)
  func conformsInPartitions(_ story: StoreStory) async throws {
    let url = try await PostgresServer.shared().makeDatabase()
    let done = try await PostgresSchema.on(url) { try await $0.migrate(partitions: 4, isUnlogged: true) }
    #expect(done.last == "4 partitions, unlogged")
    try await story.run { try await PostgresTokenStore.open(url: url, settings: .patient) }
  }
}
