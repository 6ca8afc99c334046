import Logging
import Synchronization

/// The token store as the pipeline uses it: whatever the store cannot give is a miss, and no answer fails for it.
final class CachedTokens: Sendable {
  private let store: any TokenStore
  private let modelName: String
  private let log: Logger
  private let health = Mutex(StoreHealth())
  private let hasToldOfDamage = Atomic(false)

  init(_ store: any TokenStore, modelName: String, log: Logger) {
    self.store = store
    self.modelName = modelName
    self.log = log
  }

  /// The stored image; nil where there is none, none that can be used, or no answer from the store. Throws
  /// nothing but `CancellationError`.
  func load(_ key: TokenKey, _ observer: some ProgressObserver) async throws -> CompressedImage? {
    guard mayAsk else {
      observer.observe(.tokenCache(.unavailable))
      return nil
    }
    do {
      let blob = try await store.load(key)
      worked()
      guard let blob else {
        observer.observe(.tokenCache(.miss))
        return nil
      }
      let image = try CompressedImageCoding.decode(blob, key: key)
      observer.observe(.tokenCache(.hit))
      return image
    } catch let error as TokenBlobError {
      tellOfDamage(error, key)
      observer.observe(.tokenCache(.damaged))
      return nil
    } catch {
      try Task.checkCancellation()
      failed(error)
      observer.observe(.tokenCache(.unavailable))
      return nil
    }
  }

  /// Stores an image that was just made, in place of what may lie under its key. A failure is logged and counted.
  func save(
    _ image: CompressedImage, _ key: TokenKey, imageSHA256: String, _ observer: some ProgressObserver
  ) async {
    guard mayAsk else { return observer.observe(.tokenCache(.unsaved)) }
    do {
      try await store.save(
        TokenEntry(
          key: key, blob: CompressedImageCoding.encode(image, key: key), imageSHA256: imageSHA256,
          model: modelName, encodedTokens: image.encodedTokens, tokens: image.tokenCount,
          map: image.map))
      worked()
      Failpoint.reach("cache.saved")
      observer.observe(.tokenCache(.saved))
    } catch {
      if !Task.isCancelled { failed(error) }
      observer.observe(.tokenCache(.unsaved))
    }
  }

  private var mayAsk: Bool { health.withLock { $0.mayBeAsked(at: .now) } }

  private func failed(_ error: any Error) {
    if case .fails = health.withLock({ $0.failed(at: .now) }) {
      log.warning("the token cache fails, answers go on without it: \(error)")
    }
  }

  /// Once aloud: a store full of blobs of another version would otherwise log a line with every image.
  private func tellOfDamage(_ error: TokenBlobError, _ key: TokenKey) {
    let isFirst = !hasToldOfDamage.exchange(true, ordering: .relaxed)
    log.log(
      level: isFirst ? .warning : .debug, "a cached image cannot be used and is encoded again: \(error)",
      metadata: ["key": "\(key)"])
  }

  private func worked() {
    if case .recovered(let failures) = health.withLock({ $0.worked() }) {
      log.info("the token cache works again, after \(failures) failures")
    }
  }
}
