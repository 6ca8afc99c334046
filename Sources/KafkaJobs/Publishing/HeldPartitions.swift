/// Partitions whose next outcome could not be published: each is tried again later, ever less often.
///
/// A try that fails may keep the other partitions waiting for as long as a record may take. So before it the topics are
/// asked for, which takes a moment.
struct HeldPartitions {
  private static let first = Duration.milliseconds(250)
  private static let longest = Duration.seconds(30)
  private static let review = Duration.seconds(1)

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

  /// Where one of the outcomes was refused before: leaves out, and holds, what goes to a topic that is not there, with
  /// what follows it in its partition.
  mutating func reviewed(_ outcomes: [JobsInHand.Outcome], _ producer: Producer) -> [JobsInHand.Outcome] {
    let tried = outcomes.filter { held[$0.place.partition] != nil }
    let away = producer.unavailable(of: Set(tried.flatMap { $0.records.map(\.topic) })).keys
    if away.isEmpty { return outcomes }
    var blocked: Set<Int32> = []
    return outcomes.filter { outcome in
      let partition = outcome.place.partition
      if outcome.records.contains(where: { away.contains($0.topic) }), blocked.insert(partition).inserted {
        held[partition] = (.now + Self.review, held[partition]?.pause ?? Self.first)
      }
      return !blocked.contains(partition)
    }
  }

  mutating func release(_ partition: Int32) { held[partition] = nil }
}
