/// When a database that could not be connected to is tried again. Pure: times go in, an answer comes out.
struct Backoff {
  private var failures = 0
  private var pausedUntil: ContinuousClock.Instant?

  static let longestPause = Duration.seconds(5)

  func mayTry(at now: ContinuousClock.Instant) -> Bool { pausedUntil.map { $0 <= now } ?? true }

  /// The pause doubles from a tenth of a second. Tries that began before a pause lengthen it no further.
  mutating func failed(at now: ContinuousClock.Instant) {
    guard mayTry(at: now) else { return }
    pausedUntil = now + min(.milliseconds(100 << min(failures, 10)), Self.longestPause)
    failures += 1
  }

  mutating func worked() { self = Backoff() }
}
