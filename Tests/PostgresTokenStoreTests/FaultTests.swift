import Adversary
import Answering
import Foundation
import StubAnswers
import Testing

@testable import PostgresTokenStore

/// What befalls a database, with servers of the tests' own. Jobs are answered all the same.
@Suite("A database that fails costs no answer", .serialized)
struct FaultTests {
  @Test("Killed with −9 while jobs run, and started again: it is used again")
  func killedAndStartedAgain() async throws {
    let server = try await PostgresServer.start()
    let store = try await PostgresTokenStore.open(url: server.makeDatabase(), settings: .patient)
    let worker = StubWorker()
    let isKilled = Signal()
    worker.encodes.onEach { number in
      if number == 20 {
        try await server.kill9()
        isKilled.raise()
      }
      if number == 35 {
        #expect(await eventually { isKilled.isRaised })
        try await server.startAgain()
      }
    }
    let images = (0..<60).map { "image-\($0)" }
    #expect(try await worker.run(images: images, on: store).jobsAnswered == 60)
    #expect(await eventually { (try? await store.save(.sample("after"))) != nil })
    #expect(try await store.load(.sample("after")) != nil)
    // A worker that begins now has all that the first one saved.
    let again = StubWorker()
    let counts = try await again.run(images: images, on: store)
    #expect(counts.jobsAnswered == 60 && counts.tokenCache[.hit, default: 0] >= 5)
    #expect(counts.tokenCache[.unavailable] == nil)
    try await store.close()
    try await server.stop()
    #expect(!FileManager.default.fileExists(atPath: server.folder))
  }

  @Test("Its backends terminated twice a second: no job suffers")
  func terminatedBackends() async throws {
    let server = try await PostgresServer.shared()
    let url = try await server.makeDatabase()
    let name = server.name(of: url)
    let store = try await PostgresTokenStore.open(url: url, settings: .patient)
    let killer = Task {
      var killed = 0
      while killed < 12 {
        let count = try await server.sql(
          """
          SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
          WHERE datname = '\(name)' AND usename = 'focus'
          """, in: "postgres")
        killed += Int(count) ?? 0
        try await Task.sleep(for: .milliseconds(500))
      }
    }
    let isOver = Signal()
    Task {
      _ = await killer.result
      isOver.raise()
    }
    var round = 0
    while !isOver.isRaised {
      let counts = try await StubWorker().run(images: (0..<40).map { "image-\(round)-\($0 % 20)" }, on: store)
      #expect(counts.jobsAnswered == 40)
      round += 1
    }
    try await killer.value
    #expect(await eventually { (try? await store.load(.sample("none"))) == .some(nil) })
    try await store.close()
  }

  /// No file of the server may grow beyond 4 MiB: the same way through its code as a full disk's, with or
  /// without root.
  @Test("Its disk full: saves fail, loads go on, and pruning makes room")
  func fullDisk() async throws {
    let server = try await PostgresServer.start(fileKilobytes: 4096)
    let url = try await server.makeDatabase()
    let store = try await PostgresTokenStore.open(url: url, settings: .patient)
    var saved = 0
    var refusal: PostgresError?
    while refusal == nil, saved < 100 {
      do {
        try await store.save(.sample("\(saved)", bytes: 400_000))
        saved += 1
      } catch {
        refusal = error as? PostgresError
      }
    }
    #expect(saved > 3 && saved < 20)
    #expect(refusal?.description.contains("could not extend file") == true, "\(refusal?.description ?? "")")
    #expect(try await store.load(.sample("0"))?.count == 400_000)

    let worker = StubWorker()
    worker.encodes.onEach { _ in }
    #expect(try await worker.run(images: (0..<10).map { "image-\($0)" }, on: store).jobsAnswered == 10)

    #expect(try await store.prune(PruneLimits(bytes: 0)).entries >= saved)
    _ = try await server.sql("VACUUM FULL focus_compressed_image", in: server.name(of: url))
    try await store.save(.sample("after", bytes: 400_000))
    #expect(try await store.load(.sample("after")) != nil)
    try await store.close()
    try await server.stop()
  }

  @Test("A half-open connection ends in time, as a miss, and is replaced once the network is back")
  func halfOpen() async throws {
    let server = try await PostgresServer.shared()
    let proxy = try TCPProxy(to: server.port)
    let name = server.name(of: try await server.makeDatabase())
    let url = server.url(name, through: proxy.port, connectTimeout: 2)
    _ = try await PostgresSchema.on(server.url(name)) { try await $0.migrate() }
    let store = try PostgresTokenStore(
      url: url, settings: PostgresSettings(connections: 2, timeout: .milliseconds(300)))
    #expect(await eventually { (try? await store.save(.sample("cat"))) != nil })
    proxy.weather = .stalled
    // On the connections there are, and on those to be made.
    for _ in 0..<4 {
      await #expect(throws: PostgresError.self) { _ = try await store.load(.sample("cat")) }
    }
    let counts = try await StubWorker().run(images: (0..<20).map { "image-\($0)" }, on: store)
    #expect(counts.jobsAnswered == 20 && counts.tokenCache[.unavailable] == 20)
    proxy.weather = .passing
    #expect(await eventually { (try? await store.load(.sample("cat"))) != nil })
    proxy.cut()
    // What broke while nobody used it is replaced without a word.
    #expect(await eventually { (try? await store.load(.sample("cat"))) != nil })
    proxy.weather = .delayed(.milliseconds(20))
    #expect(await eventually { (try? await store.load(.sample("cat"))) != nil })
    try await store.close()
  }

  @Test("A blob that was damaged in the database is a miss, and replaced")
  func damagedBlob() async throws {
    let server = try await PostgresServer.shared()
    let url = try await server.makeDatabase()
    let store = try await PostgresTokenStore.open(url: url, settings: .patient)
    #expect(
      try await StubWorker().run(images: ["cat", "dog"], on: store).tokenCache == [.miss: 2, .saved: 2])
    let digest = StubImages.digest(of: Data("cat".utf8))
    for damage in [
      "overlay(blob PLACING '\\x00' FROM length(blob) - 40)", "substring(blob FROM 1 FOR 90)", "'\\x'",
      "blob || '\\x00'",
    ] {
      _ = try await server.sql(
        "UPDATE focus_compressed_image SET blob = \(damage) WHERE image_sha256 = '\(digest)'",
        in: server.name(of: url))
      let worker = StubWorker()
      let counts = try await worker.run(images: ["cat", "dog"], on: store)
      #expect(counts.tokenCache == [.damaged: 1, .saved: 1, .hit: 1], "\(damage)")
      #expect(worker.encodes.value == 1)
    }
    #expect(try await StubWorker().run(images: ["cat", "dog"], on: store).tokenCache == [.hit: 2])
    try await store.close()
  }

  @Test("A store begun while its database is down works once that is up")
  func begunWhileDown() async throws {
    let server = try await PostgresServer.start()
    let url = try await server.makeDatabase()
    _ = try await PostgresSchema.on(url) { try await $0.migrate() }
    try await server.kill9()
    await #expect(throws: PostgresError.self) {
      _ = try await PostgresTokenStore.open(url: url, settings: .patient)
    }
    let store = try PostgresTokenStore(url: url, settings: .patient)
    #expect(try await StubWorker().run(images: ["cat"], on: store).jobsAnswered == 1)
    try await server.startAgain()
    #expect(await eventually { (try? await store.save(.sample("cat"))) != nil })
    try await store.close()
    try await server.stop()
  }
}
