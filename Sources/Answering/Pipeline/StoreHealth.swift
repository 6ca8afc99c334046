/// Whether a token store that failed may be asked again yet, and when to say something about it.
///
/// Pure: an event and its time go in, a remark comes out. A store that is down would otherwise cost every job its
/// timeout twice, and every job a log line.
struct StoreHealth {
  enum Remark: Equatable {
    /// The first failure after it worked.
    case fails
    /// It works again, after so many failures in a row.
    case recovered(failures: Int)
  }

  private var failures = 0
  private var pausedUntil: ContinuousClock.Instant?

  /// The longest time that a failing store is left alone.
  static let longestPause = Duration.seconds(60)

  func mayBeAsked(at now: ContinuousClock.Instant) -> Bool { pausedUntil.map { $0 <= now } ?? true }

  mutating func failed(at now: ContinuousClock.Instant) -> Remark? {
    // Jobs that asked before the pause began say nothing new.
    guard mayBeAsked(at: now) else { return nil }
    failures += 1
    // One failure may pass (a lock, a lost connection); from the second on the pause doubles.
    if failures > 1 {
      let pause = Duration.seconds(1 << min(failures - 2, 10))
      pausedUntil = now + min(pause, Self.longestPause)
    }
    return failures == 1 ? .fails : nil
  }

  mutating func worked() -> Remark? {
    defer { self = StoreHealth() }
    return failures > 0 ? .recovered(failures: failures) : nil
  }
}
