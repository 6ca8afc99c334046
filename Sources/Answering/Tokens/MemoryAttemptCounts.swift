/// Attempt counts that live as long as the process: for runs that need none to outlive it, and for tests.
public actor MemoryAttemptCounts: AttemptCounts {
  private var counts: [JobKey: (attempts: Int, begun: ContinuousClock.Instant)] = [:]
  private var nextExpiry: ContinuousClock.Instant
  private let kept: Duration

  /// - Parameter kept: how long a count stays that nobody ends.
  public init(kept: Duration = attemptsKept) {
    self.kept = kept
    nextExpiry = .now + kept
  }

  public func begin(_ jobs: [JobKey]) -> [Int] {
    let now = ContinuousClock.now
    if now >= nextExpiry {
      counts = counts.filter { now - $0.value.begun < kept }
      // Seldom: it looks at every count.
      nextExpiry = now + kept / 2
    }
    for job in Set(jobs) {
      let before = counts[job].flatMap { now - $0.begun < kept ? $0.attempts : nil } ?? 0
      counts[job] = (before + 1, now)
    }
    return jobs.map { counts[$0]?.attempts ?? 1 }
  }

  public func end(_ jobs: [JobKey]) {
    for job in jobs { counts[job] = nil }
  }

  public func withdraw(_ jobs: [JobKey]) {
    for job in Set(jobs) {
      guard let held = counts[job] else { continue }
      counts[job] = held.attempts > 1 ? (held.attempts - 1, held.begun) : nil
    }
  }
}
