import Foundation
import Synchronization

/// Set once, from any thread, when nobody waits for the work any more; the work looks now and then.
final class CancellationFlag: Sendable {
  private let isSet = Atomic(false)

  var isCancelled: Bool { isSet.load(ordering: .relaxed) }

  func cancel() {
    isSet.store(true, ordering: .relaxed)
  }

  /// Blocks for so many seconds. Throws `CancellationError` as soon as it is set.
  func wait(seconds: Double) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while true {
      if isCancelled { throw CancellationError() }
      let left = (end - .now) / .seconds(1)
      if left <= 0 { return }
      Thread.sleep(forTimeInterval: min(left, 0.02))
    }
  }
}
