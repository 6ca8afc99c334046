import Synchronization

/// Set once, from any thread, when nobody waits for the work any more; the work looks now and then.
final class CancellationFlag: Sendable {
  private let isSet = Atomic(false)

  var isCancelled: Bool { isSet.load(ordering: .relaxed) }

  func cancel() {
    isSet.store(true, ordering: .relaxed)
  }
}
