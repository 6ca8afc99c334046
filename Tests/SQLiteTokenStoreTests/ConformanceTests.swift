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
}
