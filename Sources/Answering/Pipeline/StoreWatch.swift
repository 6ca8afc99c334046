import Logging
import Synchronization

/// One way of using a token store (loading, saving, leasing), watched by itself: a full disk still gives what it
/// holds. Says once that it fails, and once that it works again.
final class StoreWatch: Sendable {
  private let failing: String
  private let working: String
  private let log: Logger
  private let health = Mutex(StoreHealth())

  /// - Parameters:
  ///   - failing: what to say of the first failure, before the reason.
  ///   - working: what to say when it works again.
  init(failing: String, working: String, log: Logger) {
    self.failing = failing
    self.working = working
    self.log = log
  }

  /// Whether it is time to ask again.
  var mayAsk: Bool { health.withLock { $0.mayBeAsked(at: .now) } }

  func failed(_ error: any Error) {
    if case .fails = health.withLock({ $0.failed(at: .now) }) { log.warning("\(failing): \(error)") }
  }

  func worked() {
    if case .recovered(let failures) = health.withLock({ $0.worked() }) {
      log.info("\(working), after \(failures) failures")
    }
  }
}
