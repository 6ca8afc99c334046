/// Partitions whose next outcome could not be published: each is tried again later, ever less often.
struct HeldPartitions {
  private static let first = Duration.milliseconds(250)
  private static let longest = Duration.seconds(30)

  private var held: [Int32: (until: ContinuousClock.Instant, pause: Duration)] = [:]

  /// Those to leave alone now.
  func names(at now: ContinuousClock.Instant) -> Set<Int32> {
    Set(held.filter { $0.value.until > now }.keys)
  }

  /// - Returns: how long it is left alone.
  mutating func hold(_ partition: Int32, at now: ContinuousClock.Instant) -> Duration {
    let pause = held[partition].map { min($0.pause * 2, Self.longest) } ?? Self.first
    held[partition] = (now + pause, pause)
    return pause
  }

  mutating func release(_ partition: Int32) { held[partition] = nil }
}
