import Logging
import Synchronization

/// The token store as the pipeline uses it: whatever the store cannot give is a miss, and no answer fails for it.
final class CachedTokens: Sendable {
  private let store: any TokenStore
  private let model: any VisionLanguageModel
  private let log: Logger
  private let loads: StoreWatch
  private let saves: StoreWatch
  private let claims: StoreWatch
  private let hasToldOfDamage = Atomic(false)

  init(_ store: any TokenStore, of model: any VisionLanguageModel, log: Logger) {
    self.store = store
    self.model = model
    self.log = log
    loads = StoreWatch(
      failing: "the token cache fails, answers go on without it", working: "the token cache works again",
      log: log)
    saves = StoreWatch(
      failing: "the token cache takes no tokens, answers go on",
      working: "the token cache takes tokens again",
      log: log)
    claims = StoreWatch(
      failing: "the token cache leases no encodes, workers may encode an image twice",
      working: "the token cache leases encodes again", log: log)
  }

  /// What one look into the store found.
  enum Look {
    case stored(CompressedImage)
    /// Nothing, nothing that can be used, or no answer: which of these.
    case absent(TokenCacheEvent)
  }

  /// What a job is to do about its image.
  enum Finding {
    case stored(CompressedImage)
    /// Encode it, under a claim where the store knows such and gave one.
    case toEncode(EncodeClaim?)

    var claim: EncodeClaim? {
      if case .toEncode(let claim) = self { claim } else { nil }
    }
  }

  /// Asks the store. Throws nothing but `CancellationError`.
  func look(_ key: TokenKey) async throws -> Look {
    guard loads.mayAsk else { return .absent(.unavailable) }
    do {
      let blob = try await store.load(key)
      loads.worked()
      guard let blob else { return .absent(.miss) }
      let image = try CompressedImageCoding.decode(blob, key: key)
      guard model.accepts(image) else { throw TokenBlobError.ofAnotherModel }
      return .stored(image)
    } catch let error as TokenBlobError {
      tellOfDamage(error, key)
      return .absent(.damaged)
    } catch {
      try Task.checkCancellation()
      loads.failed(error)
      return .absent(.unavailable)
    }
  }

  /// What follows from a look: where the image is absent and the store leases encodes, it waits for the lease, or
  /// for the image that another worker is encoding. Tells the observer how it came out. Throws nothing but
  /// `CancellationError`.
  func settle(
    _ look: Look, _ key: TokenKey, _ times: LeaseTimes, _ observer: some ProgressObserver
  ) async throws -> Finding {
    switch look {
    case .stored(let image):
      observer.observe(.tokenCache(.hit))
      return .stored(image)
    case .absent(let event):
      let finding = event == .unavailable ? .toEncode(nil) : try await claim(key, times)
      if case .stored = finding {
        observer.observe(.tokenCache(.hit))
      } else {
        observer.observe(.tokenCache(event))
      }
      return finding
    }
  }

  private func claim(_ key: TokenKey, _ times: LeaseTimes) async throws -> Finding {
    guard let leases = store as? any EncodeLeases else { return .toEncode(nil) }
    let deadline = ContinuousClock.now + times.longestWait
    var pause = Duration.milliseconds(20)
    while claims.mayAsk {
      do {
        let lease = try await leases.take(key, for: times.duration)
        claims.worked()
        if let lease {
          let claim = EncodeClaim(lease, of: leases, for: times.duration)
          // Whoever had it before may have saved the image since the look.
          guard case .stored(let image) = try await self.look(key) else { return .toEncode(claim) }
          await claim.release()
          return .stored(image)
        }
      } catch {
        try Task.checkCancellation()
        claims.failed(error)
        break
      }
      guard ContinuousClock.now < deadline else {
        log.info(
          "another worker takes long to encode an image, which is encoded here, too",
          metadata: ["key": "\(key)"])
        break
      }
      // Not all at once: every worker may wait for the same image.
      try await Task.sleep(for: pause * Double.random(in: 0.5...1))
      pause = min(pause * 2, .seconds(1))
      if case .stored(let image) = try await self.look(key) { return .stored(image) }
    }
    return .toEncode(nil)
  }

  /// Stores an image that was just made, in place of what may lie under its key, then gives its claim back. A failure
  /// is logged and counted. Not cut short where the job is cancelled: other jobs and workers wait for the image.
  func save(
    _ image: CompressedImage, _ key: TokenKey, imageSHA256: String, under claim: EncodeClaim?,
    _ observer: some ProgressObserver
  ) async {
    await Task { await save(image, key, imageSHA256: imageSHA256, observer) }.value
    await claim?.release()
  }

  private func save(
    _ image: CompressedImage, _ key: TokenKey, imageSHA256: String, _ observer: some ProgressObserver
  ) async {
    guard saves.mayAsk else { return observer.observe(.tokenCache(.unsaved)) }
    do {
      try await store.save(
        TokenEntry(
          key: key, blob: CompressedImageCoding.encode(image, key: key), imageSHA256: imageSHA256,
          model: model.identity.name, encodedTokens: image.encodedTokens, tokens: image.tokenCount,
          map: image.map))
      saves.worked()
      Failpoint.reach("cache.saved")
      observer.observe(.tokenCache(.saved))
    } catch {
      saves.failed(error)
      observer.observe(.tokenCache(.unsaved))
    }
  }

  /// Once aloud: a store full of blobs of another version would otherwise log a line with every image.
  private func tellOfDamage(_ error: TokenBlobError, _ key: TokenKey) {
    let isFirst = !hasToldOfDamage.exchange(true, ordering: .relaxed)
    log.log(
      level: isFirst ? .warning : .debug, "a cached image cannot be used and is encoded again: \(error)",
      metadata: ["key": "\(key)"])
  }
}
