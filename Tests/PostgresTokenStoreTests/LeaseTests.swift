import Adversary
import Answering
import Foundation
import Testing

@testable import PostgresTokenStore

@Suite("One encode among workers on a database")
struct LeaseTests {
  let server: PostgresServer
  let url: String

  init() async throws {
    server = try await PostgresServer.shared()
    url = try await server.makeDatabase()
  }

  @Test("Workers with the same images encode each once between them")
  func oneEncode() async throws {
    let images = (0..<24).map { "image-\($0 % 12)" }
    let workers = (0..<4).map { _ in StubWorker() }
    let url = url
    let answered = try await withThrowingTaskGroup(of: Int.self) { group in
      for worker in workers {
        group.addTask {
          let store = try await PostgresTokenStore.open(url: url, settings: .patient)
          let counts = try await worker.run(images: images.shuffled(), on: store)
          try await store.close()
          return counts.jobsAnswered
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(answered == 96)
    #expect(workers.map(\.encodes.value).reduce(0, +) == 12)
    #expect(try await count("focus_encode_lease") == "0")
  }

  @Test("Only one holds a lease; it can be renewed and given back by its holder alone")
  func oneHolder() async throws {
    let (first, second) = (try await open(), try await open())
    let lease = try #require(try await first.take(.sample("cat"), for: .seconds(60)))
    #expect(try await second.take(.sample("cat"), for: .seconds(60)) == nil)
    #expect(try await second.take(.sample("dog"), for: .seconds(60)) != nil)
    #expect(try await second.renew(lease, for: .seconds(60)) == false)
    try await second.release(lease)
    #expect(try await first.renew(lease, for: .seconds(60)))
    // Asked again, as after an answer that was lost.
    let again = try #require(try await first.take(.sample("cat"), for: .seconds(60)))
    #expect(again.fencing > lease.fencing)
    #expect(try await first.renew(lease, for: .seconds(60)) == false)
    try await first.release(again)
    #expect(try await second.take(.sample("cat"), for: .seconds(60)) != nil)
    try await first.close()
    try await second.close()
  }

  @Test("A dead holder's lease is taken over once it has expired, and the dead cannot come back to it")
  func deadHolder() async throws {
    let (dead, heir, third) = (try await open(), try await open(), try await open())
    let lost = try #require(try await dead.take(.sample("cat"), for: .milliseconds(500)))
    var lease: EncodeLease?
    let isTaken = await eventually {
      lease = try? await heir.take(.sample("cat"), for: .seconds(60))
      return lease != nil
    }
    #expect(isTaken)
    #expect((lease?.fencing ?? 0) > lost.fencing)
    #expect(try await dead.renew(lost, for: .seconds(60)) == false)
    try await dead.release(lost)
    #expect(try await third.take(.sample("cat"), for: .seconds(60)) == nil)
    for store in [dead, heir, third] { try await store.close() }
  }

  @Test("A job whose image a dead worker was encoding is answered after the lease expires")
  func jobOfDeadHolder() async throws {
    let (dead, store) = (try await open(), try await open())
    #expect(try await dead.take(StubWorker.key("cat"), for: .milliseconds(300)) != nil)
    let worker = StubWorker()
    #expect(try await worker.run(images: ["cat"], on: store).tokenCache == [.miss: 1, .saved: 1])
    #expect(worker.encodes.value == 1)
    #expect(try await count("focus_encode_lease") == "0")
    try await dead.close()
    try await store.close()
  }

  @Test("Without the table of leases every job is answered")
  func noLeases() async throws {
    let store = try await open()
    _ = try await server.sql("DROP TABLE focus_encode_lease", in: server.name(of: url))
    #expect(try await StubWorker().run(images: ["cat", "dog"], on: store).jobsAnswered == 2)
    try await store.close()
  }

  @Test("Leases that nobody came back for go with pruning")
  func outlived() async throws {
    let store = try await open()
    _ = try await store.take(.sample("cat"), for: .seconds(1))
    _ = try await server.sql(
      "UPDATE focus_encode_lease SET expires_at = now() - interval '1 day'", in: server.name(of: url))
    _ = try await store.prune(PruneLimits())
    #expect(try await count("focus_encode_lease") == "0")
    try await store.close()
  }

  private func open() async throws -> PostgresTokenStore {
    try await PostgresTokenStore.open(url: url, settings: .patient)
  }

  private func count(_ table: String) async throws -> String {
    try await server.sql("SELECT count(*) FROM \(table)", in: server.name(of: url))
  }
}
