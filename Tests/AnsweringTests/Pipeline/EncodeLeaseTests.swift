import Foundation
import Synchronization
import Testing

@testable import Answering

@Suite("One encode among the workers on one store")
struct EncodeLeaseTests {
  struct Down: Error {}

  @Test("Workers on one store encode each image once between them")
  func oneEncodeForAll() async throws {
    let store = LeasingStore()
    let models = (0..<4).map { _ in FakeModel(onEncode: { _ in try await Task.sleep(for: .milliseconds(2)) })
    }
    let answered = try await withThrowingTaskGroup(of: Int.self) { group in
      for model in models {
        group.addTask {
          let source = FakeSource((0..<20).shuffled().map { .job($0, image: "image-\($0 % 10)") })
          return try await worker(source, model, store).run().counts.jobsAnswered
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(answered == 80)
    #expect(models.map(\.encodes.count).reduce(0, +) == 10)
    #expect(store.held.isEmpty)
  }

  @Test("A wait for another worker's encode ends with the image, and is a hit")
  func waits() async throws {
    let store = LeasingStore()
    let foreign = try #require(store.take(key))
    let (model, sink) = (FakeModel(), FakeSink())
    async let running = worker(FakeSource([.job(0, image: "cat")]), model, store, sink).run()
    #expect(await eventually { store.refusals > 0 })
    let blob = CompressedImageCoding.encode(.fake(encodedTokens: 1), key: key)
    store.put(blob, under: key)
    #expect(try await running.counts.tokenCache == [.hit: 1])
    #expect(model.encodes.count == 0)
    store.release(foreign)
  }

  @Test("A holder that takes too long is waited for no longer")
  func longHolder() async throws {
    let store = LeasingStore()
    _ = store.take(key)
    let model = FakeModel()
    let times = LeaseTimes(longestWait: .milliseconds(30))
    let ending = try await worker(FakeSource([.job(0, image: "cat")]), model, store, times: times).run()
    #expect(ending.counts.tokenCache == [.miss: 1, .saved: 1])
    #expect(model.encodes.count == 1)
    #expect(store.held.count == 1)
  }

  @Test("A lease is renewed while its holder encodes")
  func renews() async throws {
    let store = LeasingStore()
    let model = FakeModel(onEncode: { _ in #expect(await eventually { store.renewals > 2 }) })
    let times = LeaseTimes(duration: .milliseconds(15))
    _ = try await worker(FakeSource([.job(0, image: "cat")]), model, store, times: times).run()
    #expect(store.held.isEmpty)
  }

  @Test("A lease goes back when its job fails, or is abandoned")
  func failedJob() async throws {
    let store = LeasingStore()
    let failing = FakeModel(onEncode: { _ in throw Down() })
    let ending = try await worker(FakeSource([.job(0, image: "cat")]), failing, store).run()
    #expect(ending.counts.jobsRejected == 1)
    #expect(await eventually { store.held.isEmpty })

    let begun = Signal()
    let hanging = FakeModel(onEncode: { _ in
      begun.raise()
      try await Task.sleep(for: .seconds(3600))
    })
    let running = Task { try await worker(FakeSource([.job(0, image: "cat")]), hanging, store).run() }
    await begun.raised()
    #expect(store.held.count == 1)
    running.cancel()
    _ = await running.result
    #expect(await eventually { store.held.isEmpty })
  }

  @Test("Leases that fail keep no job from its answer")
  func failingLeases() async throws {
    let store = LeasingStore(onTake: { throw Down() })
    let model = FakeModel()
    let ending = try await worker(FakeSource(jobs: 5), model, store).run()
    #expect(ending.counts.jobsAnswered == 5)
    #expect(model.encodes.count == 5)
  }

  private let key = TokenKey(imageSHA256: "cat", recipe: "fake auto")

  private func worker(
    _ source: FakeSource, _ model: FakeModel, _ store: LeasingStore, _ sink: FakeSink = FakeSink(),
    times: LeaseTimes = LeaseTimes()
  ) -> Pipeline {
    Pipeline(
      source: source, images: FakeImages(), model: model, sink: sink, store: store,
      settings: .init(jobsInFlight: 4, leases: times))
  }
}

/// Keeps entries, and gives leases that end by release alone.
private final class LeasingStore: TokenStore, EncodeLeases {
  private struct State {
    var blobs: [TokenKey: Data] = [:]
    var held: [TokenKey: EncodeLease] = [:]
    var given = 0
    var refusals = 0
    var renewals = 0
  }

  private let state = Mutex(State())
  private let onTake: @Sendable () async throws -> Void

  init(onTake: @escaping @Sendable () async throws -> Void = {}) {
    self.onTake = onTake
  }

  var held: [TokenKey: EncodeLease] { state.withLock(\.held) }
  var refusals: Int { state.withLock(\.refusals) }
  var renewals: Int { state.withLock(\.renewals) }

  func put(_ blob: Data, under key: TokenKey) { state.withLock { $0.blobs[key] = blob } }

  func load(_ key: TokenKey) -> Data? { state.withLock { $0.blobs[key] } }
  func save(_ entry: TokenEntry) { put(entry.blob, under: entry.key) }
  func statistics() -> TokenStoreStatistics { TokenStoreStatistics() }
  func prune(_ limits: PruneLimits) -> PruneResult { PruneResult(entries: 0, bytes: 0) }
  func close() {}

  func take(_ key: TokenKey, for duration: Duration) async throws -> EncodeLease? {
    try await onTake()
    return take(key)
  }

  func take(_ key: TokenKey) -> EncodeLease? {
    state.withLock { state in
      guard state.held[key] == nil else {
        state.refusals += 1
        return nil
      }
      state.given += 1
      let lease = EncodeLease(key: key, fencing: state.given)
      state.held[key] = lease
      return lease
    }
  }

  func renew(_ lease: EncodeLease, for duration: Duration) -> Bool {
    state.withLock { state in
      state.renewals += 1
      return state.held[lease.key] == lease
    }
  }

  func release(_ lease: EncodeLease) {
    state.withLock { if $0.held[lease.key] == lease { $0.held[lease.key] = nil } }
  }
}
