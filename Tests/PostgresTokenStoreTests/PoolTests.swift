import Adversary
import Answering
import Foundation
import Testing

@testable import PostgresTokenStore

@Suite("Connections: few, bounded in time, and closed in any order")
struct PoolTests {
  let server: PostgresServer
  let url: String

  init() async throws {
    server = try await PostgresServer.shared()
    url = try await server.makeDatabase()
    _ = try await PostgresSchema.on(url) { try await $0.migrate() }
  }

  @Test("With all connections busy a call fails in time; later ones work")
  func exhausted() async throws {
    let store = try PostgresTokenStore(
      url: url, settings: PostgresSettings(connections: 2, timeout: .milliseconds(300)))
    #expect(await eventually { (try? await store.save(.sample("cat"))) != nil })
    let lock = try await TableLock(url)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<12 {
        group.addTask {
          await #expect(throws: PostgresError.timedOut(after: .milliseconds(300))) {
            _ = try await store.load(.sample("cat"))
          }
        }
      }
    }
    try await lock.release()
    #expect(await eventually { (try? await store.load(.sample("cat"))) != nil })
    let used = await sessions()
    #expect(used.map { $0 <= 2 } == true)
    try await store.close()
  }

  @Test("A cancelled call ends at once, waiting for the server or for a connection")
  func cancelled() async throws {
    let store = try PostgresTokenStore(
      url: url, settings: PostgresSettings(connections: 1, timeout: .seconds(3600)))
    try await store.save(.sample("cat"))
    let lock = try await TableLock(url)
    let calls = (0..<4).map { _ in Task { try await store.load(.sample("cat")) } }
    #expect(await eventually { await sessions("wait_event_type = 'Lock'") == 1 })
    for call in calls { call.cancel() }
    for call in calls { await #expect(throws: CancellationError.self) { _ = try await call.value } }
    try await lock.release()
    #expect(try await store.load(.sample("cat")) != nil)
    let late = Task { try await store.load(.sample("cat")) }
    late.cancel()
    _ = await late.result
    #expect(try await store.load(.sample("cat")) != nil)
    try await store.close()
  }

  @Test("Closing lets calls end, is done once or twice, and what comes after is told")
  func closing() async throws {
    let store = try PostgresTokenStore(url: url, settings: .patient)
    try await store.save(.sample("cat", bytes: 200_000))
    let loads = (0..<40).map { _ in Task { try await store.load(.sample("cat")) } }
    try await store.close()
    for load in loads {
      // Each either got its blob or came too late.
      switch await load.result {
      case .success(let blob): #expect(blob?.count == 200_000)
      case .failure(let error): #expect(error as? PostgresError == .closed)
      }
    }
    await #expect(throws: PostgresError.closed) { _ = try await store.load(.sample("cat")) }
    await #expect(throws: PostgresError.closed) { try await store.save(.sample("cat")) }
    try? await store.close()
  }

  @Test("A store that was never used, never closed, or closed while its server hangs lets its threads go")
  func oddEnds() async throws {
    try await PostgresTokenStore(url: url, settings: .patient).close()
    do {
      let forgotten = try PostgresTokenStore(url: url, settings: .patient)
      #expect(try await forgotten.load(.sample("cat")) == nil)
    }
    #expect(await eventually { await sessions() == 0 })
    let proxy = try TCPProxy(to: server.port)
    let hanging = try PostgresTokenStore(
      url: server.url(server.name(of: url), through: proxy.port),
      settings: PostgresSettings(timeout: .milliseconds(200)))
    #expect(await eventually { (try? await hanging.save(.sample("cat"))) != nil })
    #expect(await eventually { (try? await hanging.load(.sample("cat"))) != nil })
    proxy.weather = .stalled
    // The use that was noted cannot be written.
    await #expect(throws: PostgresError.self) { try await hanging.close() }
  }

  @Test("Of several hosts the one that answers and can be written to is used")
  func severalHosts() async throws {
    let (name, port) = (server.name(of: url), server.port)
    let credentials = "focus:\(PostgresServer.password)"
    // Nobody listens on port 1.
    let store = try PostgresTokenStore(
      url: "postgres://\(credentials)@127.0.0.1:1,127.0.0.1:\(port)/\(name)")
    try await store.save(.sample("cat"))
    try await store.close()
    _ = try await server.sql(
      "ALTER DATABASE \(name) SET default_transaction_read_only = on", in: "postgres")
    let standby = try PostgresTokenStore(url: url, settings: .patient)
    let error = await #expect(throws: PostgresError.self) { _ = try await standby.load(.sample("cat")) }
    #expect(error?.description.contains("read-only") == true)
    try await standby.close()
  }

  @Test("A wrong password is told without any password")
  func wrongPassword() async throws {
    let wrong = url.replacingOccurrences(of: PostgresServer.password, with: "wr0ng%2Fone")
    let error = await #expect(throws: PostgresError.self) {
      _ = try await PostgresTokenStore.open(url: wrong)
    }
    let said = "\(error?.description ?? "") \(error.debugDescription)"
    #expect(said.contains("password authentication failed"))
    #expect(!said.contains("wr0ng") && !said.contains(PostgresServer.plainPassword))
  }

  @Test("Half of the entries are pruned while others read: each finds a whole blob or none")
  func pruneWhileReading() async throws {
    let (store, other) = (
      try PostgresTokenStore(url: url, settings: .patient),
      try PostgresTokenStore(url: url, settings: .patient)
    )
    for index in 0..<400 { try await store.save(.sample("\(index)", bytes: 3000, fill: UInt8(index % 256))) }
    let isPruned = Signal()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          while !isPruned.isRaised {
            let index = Int.random(in: 0..<400)
            guard let blob = try await other.load(.sample("\(index)")) else { continue }
            #expect(blob == Data(repeating: UInt8(index % 256), count: 3000))
          }
        }
      }
      group.addTask {
        defer { isPruned.raise() }
        let result = try await store.prune(PruneLimits(bytes: 600_000))
        #expect(result == PruneResult(entries: 200, bytes: 600_000))
      }
      try await group.waitForAll()
    }
    #expect(try await store.statistics().entries == 200)
    try await store.close()
    try await other.close()
  }

  @Test("How long a blob of a megabyte takes; printed, since machines differ")
  func blobTimes() async throws {
    let store = try PostgresTokenStore(url: url, settings: .patient)
    // Bytes that no compression makes smaller.
    var entry = TokenEntry.sample("large")
    entry.blob = Data((0..<1_000_000).map { _ in UInt8.random(in: 0...255) })
    let (rounds, clock) = (20, ContinuousClock())
    var (writes, reads) = ([Duration](), [Duration]())
    for _ in 0..<rounds {
      writes.append(try await clock.measure { try await store.save(entry) })
      reads.append(try await clock.measure { _ = try await store.load(entry.key) })
    }
    print("a blob of 1 MB: written in \(writes.sorted()[rounds / 2]), read in \(reads.sorted()[rounds / 2])")
    try await store.close()
  }

  /// Sessions of the test's database of which this is true.
  private func sessions(_ condition: String = "true") async -> Int? {
    let name = server.name(of: url)
    return try? await Int(
      server.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(name)' AND \(condition)", in: "postgres"))
  }
}

/// Keeps every other session from the table of images until released.
private final class TableLock: Sendable {
  private let pool: ConnectionPool
  private let isHeld = Signal()
  private let isWanted = DispatchSemaphore(value: 0)
  private let holding: Task<Void, any Error>

  init(_ url: String) async throws {
    let pool = ConnectionPool(try ConnectionSettings(url: url), connections: 1)
    let (isHeld, isWanted) = (isHeld, isWanted)
    self.pool = pool
    holding = Task {
      try await pool.run(within: .seconds(3600)) { connection, deadline in
        try connection.script("BEGIN; LOCK TABLE focus_compressed_image", deadline)
        isHeld.raise()
        isWanted.wait()
        try connection.script("COMMIT", deadline)
      }
    }
    guard await eventually({ isHeld.isRaised }) else { throw PostgresError.timedOut(after: .seconds(60)) }
  }

  func release() async throws {
    isWanted.signal()
    try await holding.value
    await pool.close(within: .seconds(60))
  }
}
