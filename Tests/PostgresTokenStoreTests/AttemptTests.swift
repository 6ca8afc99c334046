import Adversary
import Answering
import StoreConformance
import Testing

@testable import PostgresTokenStore

@Suite("Attempt counts in PostgreSQL")
struct AttemptTests {
  @Test("They do what all attempt counts do", arguments: AttemptStory.all)
  func conforms(_ story: AttemptStory) async throws {
    let url = try await PostgresServer.shared().makeDatabase()
    try await story.run {
      let store = try await PostgresTokenStore.open(url: url, settings: .patient)
      return (store, { try await store.close() })
    }
  }

  @Test("Counts that nobody ended begin anew when they are old, and go")
  func old() async throws {
    let server = try await PostgresServer.shared()
    let url = try await server.makeDatabase()
    let store = try await PostgresTokenStore.open(url: url, settings: .patient)
    let jobs = (0..<3).map { JobKey(group: "g", topic: "t", partition: 0, offset: $0) }
    _ = try await store.begin(jobs)
    _ = try await server.sql(
      "UPDATE focus_attempt SET begun_at = now() - interval '60 days'", in: server.name(of: url))
    #expect(try await store.begin([jobs[0]]) == [1])
    _ = try await store.prune(PruneLimits())
    #expect(try await server.sql("SELECT job FROM focus_attempt", in: server.name(of: url)) == "\(jobs[0])")
    try await store.close()
  }

  @Test("A count outlives its worker's death")
  func death() async throws {
    let server = try await PostgresServer.start()
    let url = try await server.makeDatabase()
    let job = JobKey(group: "g", topic: "t", partition: 0, offset: 1)
    let store = try await PostgresTokenStore.open(url: url, settings: .patient)
    #expect(try await store.begin([job]) == [1])
    // Nothing is closed in order: the server's end is the hardest that a worker can meet.
    try await server.kill9()
    await #expect(throws: PostgresError.self) { _ = try await store.begin([job]) }
    try await server.startAgain()
    let next = try await PostgresTokenStore.open(url: url, settings: .patient)
    #expect(try await next.begin([job]) == [2])
    try await next.close()
    try await store.close()
    try await server.stop()
  }
}
