import Foundation
import Synchronization
import Testing

@testable import Answering

@Suite("The token store in the pipeline")
struct TokenCacheTests {
  private let key = TokenKey(imageSHA256: "cat", recipe: "fake auto")

  @Test("A stored image is neither tiled nor encoded again")
  func hitSkipsTheTower() async throws {
    let store = FakeStore()
    let (images, model, sink) = (FakeImages(), FakeModel(), FakeSink())
    _ = try await run([.job(0, image: "cat")], images, model, sink, store)
    let ending = try await run([.job(1, image: "cat"), .job(2, image: "dog")], images, model, sink, store)
    #expect(model.encodes.count == 2)
    #expect(images.tilings.count == 2)
    #expect(sink.tokenCaches == [0: .miss, 1: .hit, 2: .miss])
    #expect(ending.counts.tokenCache == [.hit: 1, .miss: 1, .saved: 1])
    #expect(sink.visionTimes[1] == 0)
    #expect(sink.visionTimes[2] == 2)
  }

  @Test("What is stored says in the clear what it is")
  func entry() async throws {
    let store = FakeStore()
    _ = try await run([.job(0, image: "cat")], store: store)
    let entry = try #require(store.entry(key))
    #expect(entry.imageSHA256 == "cat")
    #expect(entry.model == "fake")
    #expect(entry.tokens == 1)
    #expect(try CompressedImageCoding.decode(entry.blob, key: key) == .fake(encodedTokens: 1))
  }

  @Test("Another compression of the same image is another entry; the job's own wins over the worker's")
  func compressions() async throws {
    let store = FakeStore()
    var plain = Delivery.job(0, image: "cat")
    if case .success(var job) = plain.content {
      job.compression = Compression.none
      plain.content = .success(job)
    }
    let settings = PipelineSettings(lookAhead: 0)
    _ = try await run([plain, .job(1, image: "cat")], store: store, settings)
    #expect(store.entry(key) != nil)
    #expect(store.entry(TokenKey(imageSHA256: "cat", recipe: "fake none")) != nil)
    let sink = FakeSink()
    let none = PipelineSettings(lookAhead: 0, compression: .none)
    _ = try await run([.job(2, image: "cat")], FakeImages(), FakeModel(), sink, store, none)
    #expect(sink.tokenCaches == [2: .hit])
  }

  @Test("Jobs in flight on one image ask the store once; the one that shares says hit")
  func sharing() async throws {
    let store = FakeStore()
    let gate = TestGate()
    let model = FakeModel(onAnswer: { call in
      if call == 2 { gate.open() }
      try await gate.pass()
    })
    let sink = FakeSink()
    let deliveries = [Delivery.job(0, image: "cat"), .job(1, image: "cat")]
    let ending = try await run(deliveries, FakeImages(), model, sink, store, .init(jobsInFlight: 2))
    #expect(store.loads.count == 1)
    #expect(ending.counts.tokenCache == [.miss: 1, .saved: 1])
    #expect(Set(sink.tokenCaches.values) == [.hit, .miss])
  }

  @Test("A job that comes while its image's tokens are still being stored shares them")
  func sharingWhileSaving() async throws {
    let (isPublished, mayStore) = (TestGate(), TestGate())
    let source = FakeSource(
      [.job(0, image: "cat"), .job(1, image: "cat")],
      beforeEach: { if $0 == 1 { try await isPublished.pass() } })
    let sink = FakeSink(check: { outcome in
      outcome.delivery.sequence == 0 ? isPublished.open() : mayStore.open()
    })
    let model = FakeModel()
    let pipeline = Pipeline(
      source: source, images: FakeImages(), model: model, sink: sink,
      store: FakeStore(onSave: { try await mayStore.pass() }))
    #expect(try await pipeline.run().counts.tokenCache == [.miss: 1, .saved: 1])
    #expect(model.encodes.count == 1)
    #expect(sink.tokenCaches == [0: .miss, 1: .hit])
  }

  @Test("A damaged blob, or one of another key, is a miss and replaced", arguments: [true, false])
  func damagedBlob(isOfAnotherKey: Bool) async throws {
    let store = FakeStore()
    let good = CompressedImageCoding.encode(.fake(encodedTokens: 1), key: key)
    let other = TokenKey(imageSHA256: "dog", recipe: "fake auto")
    let bad =
      isOfAnotherKey
      ? CompressedImageCoding.encode(.fake(encodedTokens: 1), key: other) : good.dropLast() + [0]
    store.put(bad, under: key)
    let sink = FakeSink()
    let ending = try await run([.job(0, image: "cat")], FakeImages(), FakeModel(), sink, store)
    #expect(sink.tokenCaches == [0: .miss])
    #expect(ending.counts.tokenCache == [.damaged: 1, .saved: 1])
    #expect(store.entry(key)?.blob == good)
  }

  @Test("A blob that the model cannot read is a miss and replaced")
  func unreadableBlob() async throws {
    let store = FakeStore()
    store.put(CompressedImageCoding.encode(.fake(encodedTokens: 1), key: key), under: key)
    let ending = try await run(
      [.job(0, image: "cat")], FakeImages(), FakeModel(channels: 2), FakeSink(), store)
    #expect(ending.counts.tokenCache == [.damaged: 1, .saved: 1])
  }

  @Test("A store that fails keeps no job from its answer, and is soon left alone")
  func failingStore() async throws {
    let store = FakeStore(onLoad: { throw FakeStore.Down() }, onSave: { throw FakeStore.Down() })
    let ending = try await run(
      (0..<20).map { .job($0, image: "image-\($0)") }, store: store, .init(lookAhead: 0))
    #expect(ending.counts.jobsAnswered == 20)
    #expect(ending.counts.tokenCache == [.unavailable: 20, .unsaved: 20])
    // How many fewer depends on how long the jobs take: pauses are of seconds.
    #expect(store.loads.count + store.saves.count < 40)
  }

  @Test("A slow save delays neither the answer nor its publishing, and ends before the job is finished")
  func slowSave() async throws {
    let gate = TestGate()
    let store = FakeStore(onSave: { try await gate.pass() })
    let (source, sink) = (FakeSource([.job(0, image: "cat")]), FakeSink())
    let pipeline = Pipeline(
      source: source, images: FakeImages(), model: FakeModel(), sink: sink, store: store)
    async let running = pipeline.run()
    #expect(await eventually { sink.outcomes.count == 1 })
    #expect(source.finished.isEmpty)
    gate.open()
    #expect(try await running.counts.tokenCache[.saved] == 1)
    #expect(source.finished == [0])
  }

  @Test("A save goes to its end though its job is given up: other workers wait for it")
  func saveOfACancelledJob() async throws {
    let gate = TestGate()
    let store = FakeStore(onSave: { try await gate.pass() })
    let model = FakeModel(onAnswer: { _ in try await Task.sleep(for: .seconds(3600)) })
    let pipeline = Pipeline(
      source: FakeSource([.job(0, image: "cat")]), images: FakeImages(), model: model, sink: FakeSink(),
      store: store)
    let running = Task { try await pipeline.run() }
    #expect(await eventually { store.saves.count == 1 })
    running.cancel()
    gate.open()
    await #expect(throws: CancellationError.self) { try await running.value }
    #expect(store.entry(key) != nil)
  }

  @Test("A store that hangs is given up with its job when the drain runs out of time")
  func hangingStore() async throws {
    let store = FakeStore(onLoad: { try await Task.sleep(for: .seconds(3600)) })
    let (drain, model) = (Signal(), FakeModel())
    let pipeline = Pipeline(
      source: FakeSource(jobs: 1), images: FakeImages(), model: model, sink: FakeSink(), store: store,
      settings: .init(drainTimeout: .milliseconds(20)))
    async let running = pipeline.run(until: drain)
    #expect(await eventually { store.loads.count == 1 })
    drain.raise()
    let ending = try await running
    #expect(ending.counts.jobsAbandoned == 1)
    #expect(ending.counts.tokenCache.isEmpty)
    #expect(model.encodes.count == 0)
  }

  @Test("The look into the store takes no turn at the model")
  func lookTakesNoTurn() async throws {
    let gate = TestGate()
    let store = FakeStore(
      onLoad: { try await gate.pass() }, slow: TokenKey(imageSHA256: "cat", recipe: "fake auto"))
    let sink = FakeSink()
    let source = FakeSource([.job(0, image: "cat"), .job(1, image: "dog")])
    let pipeline = Pipeline(
      source: source, images: FakeImages(), model: FakeModel(), sink: sink, store: store)
    async let running = pipeline.run()
    #expect(await eventually { sink.sequences == [1] })
    gate.open()
    #expect(try await running.counts.jobsAnswered == 2)
  }

  @discardableResult
  private func run(
    _ deliveries: [Delivery], _ images: FakeImages = FakeImages(), _ model: FakeModel = FakeModel(),
    _ sink: FakeSink = FakeSink(), _ store: FakeStore, _ settings: PipelineSettings = .init()
  ) async throws -> Pipeline.Ending {
    try await Pipeline(
      source: FakeSource(deliveries), images: images, model: model, sink: sink, store: store,
      settings: settings
    ).run()
  }

  private func run(
    _ deliveries: [Delivery], store: FakeStore, _ settings: PipelineSettings = .init()
  ) async throws -> Pipeline.Ending {
    try await run(deliveries, FakeImages(), FakeModel(), FakeSink(), store, settings)
  }
}

@Suite("When a failing store is asked again")
struct StoreHealthTests {
  @Test("One remark when it fails, one when it works again; pauses double up to a minute")
  func pauses() {
    var health = StoreHealth()
    var now = ContinuousClock.now
    #expect(health.worked() == nil)
    #expect(health.failed(at: now) == .fails)
    #expect(health.mayBeAsked(at: now))
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
      #expect(health.failed(at: now) == nil)
      // Another that was asked before the pause.
      #expect(health.failed(at: now) == nil)
      #expect(!health.mayBeAsked(at: now + .seconds(seconds) - .milliseconds(1)))
      now += .seconds(seconds)
      #expect(health.mayBeAsked(at: now))
    }
    #expect(health.worked() == .recovered(failures: 9))
    #expect(health.mayBeAsked(at: now))
    #expect(health.worked() == nil)
  }
}

/// Keeps entries; loads and saves can be held or made to fail.
final class FakeStore: TokenStore {
  struct Down: Error {}

  let loads = Counter()
  let saves = Counter()
  private let entries = Mutex([TokenKey: TokenEntry]())
  private let onLoad: @Sendable () async throws -> Void
  private let onSave: @Sendable () async throws -> Void
  /// The only key whose loads `onLoad` concerns; nil for all.
  private let slow: TokenKey?

  init(
    onLoad: @escaping @Sendable () async throws -> Void = {},
    onSave: @escaping @Sendable () async throws -> Void = {}, slow: TokenKey? = nil
  ) {
    self.onLoad = onLoad
    self.onSave = onSave
    self.slow = slow
  }

  func entry(_ key: TokenKey) -> TokenEntry? { entries.withLock { $0[key] } }

  func put(_ blob: Data, under key: TokenKey) {
    entries.withLock {
      $0[key] = TokenEntry(key: key, blob: blob, imageSHA256: "", model: "", encodedTokens: 1, tokens: 1)
    }
  }

  func load(_ key: TokenKey) async throws -> Data? {
    loads.add()
    if slow == nil || slow == key { try await onLoad() }
    return entry(key)?.blob
  }

  func save(_ entry: TokenEntry) async throws {
    saves.add()
    try await onSave()
    entries.withLock { $0[entry.key] = entry }
  }

  func statistics() -> TokenStoreStatistics { TokenStoreStatistics() }
  func prune(_ limits: PruneLimits) -> PruneResult { PruneResult(entries: 0, bytes: 0) }
  func close() {}
}

extension FakeSink {
  /// What each answered job says of the token cache.
  fileprivate var tokenCaches: [Int: TokenCacheOutcome] { firstResults.mapValues(\.tokenCache) }

  fileprivate var visionTimes: [Int: Double] { firstResults.mapValues(\.timings.vision) }

  private var firstResults: [Int: JobResult] {
    outcomes.reduce(into: [:]) { found, outcome in
      if case .answered(let results, _, let delivery) = outcome { found[delivery.sequence] = results.first }
    }
  }
}
