import Answering

/// In what order deliveries are counted as attempts and given out. Pure.
///
/// A suspect is a job that was begun before and not ended: its worker may have died of it. It is counted and given out
/// when nothing else is open, and nothing follows before it has left, so that the next death counts against none but
/// the guilty. What is read ahead of its turn is not counted.
struct Turns {
  enum Step {
    /// Nothing is left of what was read.
    case read
    /// They are about to be begun: `counted` goes on.
    case count([Delivery])
    /// Counted, and gone to another worker before they were given out: that was no attempt.
    case withdraw([Delivery])
    case give(Delivery)
    /// Until nothing is open.
    case wait
  }

  private var uncounted: [Delivery] = []
  private var ready: [Delivery] = []
  private var open: Set<Int> = []
  private var suspect: Int?

  var isNothingOpen: Bool { open.isEmpty }
  /// Counted and not given out.
  var notGivenOut: [Delivery] { ready }

  mutating func next() -> Step {
    if suspect != nil { return .wait }
    let withdrawn = takeWithdrawn()
    if !withdrawn.isEmpty { return .withdraw(withdrawn) }
    if let first = ready.first {
      let isSuspect = first.attempts > 1
      if isSuspect, !open.isEmpty { return .wait }
      ready.removeFirst()
      open.insert(first.sequence)
      if isSuspect { suspect = first.sequence }
      return .give(first)
    }
    uncounted.removeAll(where: \.isWithdrawn)
    guard let first = uncounted.first else { return .read }
    if first.attempts > 1, !open.isEmpty { return .wait }
    let count = first.attempts > 1 ? 1 : uncounted.prefix { $0.attempts == 1 }.count
    defer { uncounted.removeFirst(count) }
    return .count(Array(uncounted.prefix(count)))
  }

  /// What was counted and has gone to another worker, which now counts it.
  mutating func takeWithdrawn() -> [Delivery] {
    let withdrawn = ready.filter(\.isWithdrawn)
    if !withdrawn.isEmpty { ready.removeAll(where: \.isWithdrawn) }
    return withdrawn
  }

  /// Deliveries that were read, with the attempts known of each, this one included; none of them is counted.
  mutating func add(_ deliveries: [Delivery]) { uncounted += deliveries }

  /// Deliveries with their attempts as they were counted.
  mutating func counted(_ deliveries: [Delivery]) { ready += deliveries }

  /// It has left the pipeline.
  mutating func end(_ sequence: Int) {
    open.remove(sequence)
    if suspect == sequence { suspect = nil }
  }
}
