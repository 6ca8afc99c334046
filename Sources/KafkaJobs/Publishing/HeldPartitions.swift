/// Partitions whose next outcome could not be published: each is tried again later, ever less often.
///
/// A try that fails may keep the other partitions waiting for as long as a record may take. So before it the topics are
/// asked for, which takes a moment.
struct HeldPartitions {
  private static let first = Duration.milliseconds(250)
  private static let longest = Duration.seconds(30)
  private static let review = Duration.seconds(1)
  /// After this its jobs are given back, where others wait for their places.
  private static let patience = Duration.seconds(5)

  /// Which of some topics take no records now, each with why.
  typealias Unavailable = (Set<OutgoingRecord.Topic>) -> [OutgoingRecord.Topic: KafkaError]

  private struct Hold {
    /// When it was first refused; nil where it was taken up since, and not refused again.
    var since: ContinuousClock.Instant?
    var until: ContinuousClock.Instant
    var pause: Duration
    /// The first of the refused outcomes.
    var offset: Int64
    /// Where they go.
    var topics: Set<OutgoingRecord.Topic>

    func hasLasted(_ patience: Duration, at now: ContinuousClock.Instant) -> Bool {
      since.map { now - $0 >= patience } ?? false
    }
  }

  private var held: [Int32: Hold] = [:]

  /// Those to leave alone now. What is withheld is among them: its jobs are being given back, and published
  /// meanwhile they would end the hold by which it is taken up again.
  func resting(_ hands: JobsInHand, at now: ContinuousClock.Instant) -> Set<Int32> {
    hands.withheld.union(held.filter { $0.value.until > now }.keys)
  }

  /// - Parameter outcomes: what cannot be published, of one partition.
  /// - Returns: how long it is left alone.
  mutating func hold(
    _ partition: Int32, _ outcomes: [JobsInHand.Outcome], at now: ContinuousClock.Instant
  ) -> Duration {
    let pause = held[partition].map { min($0.pause * 2, Self.longest) } ?? Self.first
    hold(partition, outcomes, for: pause, at: now)
    held[partition]?.pause = pause
    return pause
  }

  private mutating func hold(
    _ partition: Int32, _ outcomes: [JobsInHand.Outcome], for pause: Duration,
    at now: ContinuousClock.Instant
  ) {
    let before = held[partition]
    held[partition] = Hold(
      since: before?.since ?? now, until: now + pause, pause: before?.pause ?? Self.first,
      offset: outcomes.map(\.place.offset).min() ?? before?.offset ?? 0,
      topics: Set(outcomes.flatMap { $0.records.map(\.topic) }))
  }

  /// Withholds partitions that were held for long while others could go on, and takes up those whose topics are there
  /// again. Patience is counted from a refusal: what was taken up has all the time that its jobs take.
  mutating func review(_ hands: JobsInHand, unavailable: Unavailable, at now: ContinuousClock.Instant) {
    let (partitions, withheld) = (hands.partitions, hands.withheld)
    held = held.filter { partitions.contains($0.key) }
    for partition in withheld where held[partition] == nil { hands.takeUp(partition) }
    if held.isEmpty { return }
    let due = held.filter { withheld.contains($0.key) && $0.value.until <= now }
    let away = unavailable(due.values.reduce(into: []) { $0.formUnion($1.topics) })
    for (partition, hold) in due {
      if hold.topics.isDisjoint(with: away.keys) {
        held[partition]?.since = nil
        hands.takeUp(partition)
      } else {
        held[partition]?.until = now + Self.review
      }
    }
    if partitions.count == held.count { return }
    for (partition, hold) in held where hold.hasLasted(Self.patience, at: now) {
      hands.withhold(partition)
    }
  }

  /// Where one of the outcomes was refused before: leaves out, and holds, what goes to a topic that is not there, with
  /// what follows it in its partition.
  ///
  /// - Parameter outcomes: in order within a partition.
  mutating func publishable(
    _ outcomes: [JobsInHand.Outcome], unavailable: Unavailable
  ) -> [JobsInHand.Outcome] {
    let tried = outcomes.filter { held[$0.place.partition] != nil }
    let away = unavailable(Set(tried.flatMap { $0.records.map(\.topic) })).keys
    if away.isEmpty { return outcomes }
    var blocked: Set<Int32> = []
    return outcomes.filter { outcome in
      let partition = outcome.place.partition
      if outcome.records.contains(where: { away.contains($0.topic) }), blocked.insert(partition).inserted {
        hold(partition, [outcome], for: Self.review, at: .now)
      }
      return !blocked.contains(partition)
    }
  }

  /// These are published: what was held because of one of them is held no longer.
  mutating func release(_ outcomes: [JobsInHand.Outcome]) {
    for place in outcomes.map(\.place) {
      if let hold = held[place.partition], hold.offset <= place.offset { held[place.partition] = nil }
    }
  }
}
