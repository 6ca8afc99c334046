import Synchronization

/// Until when an operation is wanted, and whether anybody still wants it.
final class Deadline: Sendable {
  let limit: Duration
  let instant: ContinuousClock.Instant
  private let isGivenUp = Atomic(false)

  init(_ limit: Duration) {
    self.limit = limit
    instant = .now + limit
  }

  var remaining: Duration { max(.zero, instant - .now) }
  var isAbandoned: Bool { isGivenUp.load(ordering: .relaxed) }

  /// The caller has gone.
  func abandon() { isGivenUp.store(true, ordering: .relaxed) }
}

extension Duration {
  /// Whole milliseconds, rounded up.
  var milliseconds: Int {
    let (seconds, attoseconds) = components
    // A million years: far from overflow.
    return Int(min(seconds, 1 << 45)) * 1000
      + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}
