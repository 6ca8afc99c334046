import Answering
import Logging
import Synchronization

/// Jobs from the topic, in order within a partition.
///
/// Where attempts are counted, a job that was begun before and not ended (its worker may have died of it) is given out
/// alone: then the next death counts against none but the guilty. At the limit it is rejected.
public final class KafkaJobSource: JobSource {
  /// Records counted in one round trip.
  private static let countedTogether = 32

  private let hands: JobsInHand
  private let settings: KafkaSettings
  private let limits: JobLimits
  private let defaults: GenerationParameters
  private let attempts: AttemptTally?
  private let madeRoom: @Sendable () -> Void
  private let turns = Mutex(Turns())

  /// What is given out, and what is next.
  private struct Turns {
    var ready: [Delivery] = []
    var open: Set<Int> = []
    var alone: Int?
    /// Waits until nothing is open.
    var waiter: CheckedContinuation<Void, Never>?

    mutating func end(_ sequence: Int) -> CheckedContinuation<Void, Never>? {
      open.remove(sequence)
      if alone == sequence { alone = nil }
      guard open.isEmpty else { return nil }
      defer { waiter = nil }
      return waiter
    }
  }

  init(
    _ hands: JobsInHand, _ settings: KafkaSettings, limits: JobLimits, defaults: GenerationParameters,
    attempts: AttemptTally?, madeRoom: @escaping @Sendable () -> Void
  ) {
    self.hands = hands
    self.settings = settings
    self.limits = limits
    self.defaults = defaults
    self.attempts = attempts
    self.madeRoom = madeRoom
  }

  public func next() async throws -> Delivery? {
    while true {
      if turns.withLock({ $0.ready.isEmpty }) {
        let more = try await readMore()
        if more.isEmpty { return nil }
        turns.withLock { $0.ready = more }
      }
      let (delivery, mustWait) = turns.withLock { turns -> (Delivery?, Bool) in
        guard let first = turns.ready.first else { return (nil, false) }
        let isSuspect = first.attempts > 1
        if turns.alone != nil || (isSuspect && !turns.open.isEmpty) { return (nil, true) }
        turns.ready.removeFirst()
        // Gone to another worker while it waited.
        if first.isWithdrawn { return (nil, false) }
        turns.open.insert(first.sequence)
        if isSuspect { turns.alone = first.sequence }
        return (first, false)
      }
      if let delivery { return delivery }
      if mustWait { try await waitUntilNothingIsOpen() }
    }
  }

  /// The sink has committed its offset.
  public func finish(_ delivery: Delivery) async throws {
    left(delivery)
    await attempts?.ended(key(of: delivery))
  }

  /// It left the pipeline without an outcome: that is no attempt.
  public func abandon(_ delivery: Delivery) async {
    left(delivery)
    // In a task of its own: the caller's may be cancelled, and orderly restarts must exhaust no job.
    await Task { await attempts?.withdraw([key(of: delivery)]) }.value
  }

  /// What was counted and not given out is nobody's attempt.
  func close() async {
    let ready = turns.withLock { turns in
      defer { turns.ready = [] }
      return turns.ready
    }
    await attempts?.withdraw(ready.map(key))
    await attempts?.close()
  }

  private func left(_ delivery: Delivery) {
    hands.finish(delivery.sequence)
    turns.withLock { $0.end(delivery.sequence) }?.resume()
  }

  private func readMore() async throws -> [Delivery] {
    let records = try await hands.next(attempts == nil ? 1 : Self.countedTogether)
    madeRoom()
    var deliveries = records.map { delivery(of: $0.record, sequence: $0.sequence) }
    guard let attempts else { return deliveries }
    for (index, count) in await attempts.begin(deliveries.map(key)).enumerated() {
      deliveries[index].attempts = count
      if count > settings.attemptLimit {
        deliveries[index].rejectedJobID =
          (try? deliveries[index].content.get().id) ?? deliveries[index].rejectedJobID
        deliveries[index].content = .failure(
          Rejection(
            .attemptsExhausted,
            "begun \(count - 1) times and never ended: the workers may have died of it (--max-attempts)"))
      }
    }
    return deliveries
  }

  private func delivery(of record: JobsInHand.Record, sequence: Int) -> Delivery {
    let message = record.message
    let origin = Origin.record(
      topic: settings.jobsTopic, partition: message.partition, offset: message.offset,
      timestamp: message.timestamp)
    var delivery = message.withValue {
      Delivery(sequence: sequence, origin: origin, message: $0, limits: limits, defaults: defaults)
    }
    delivery.withdrawal = record.withdrawal
    return delivery
  }

  private func key(of delivery: Delivery) -> JobKey {
    guard case .record(let topic, let partition, let offset, _) = delivery.origin else {
      return JobKey(group: settings.group, topic: settings.jobsTopic, partition: 0, offset: 0)
    }
    return JobKey(group: settings.group, topic: topic, partition: partition, offset: offset)
  }

  private func waitUntilNothingIsOpen() async throws {
    try Task.checkCancellation()
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let mayWait = turns.withLock { turns in
          if Task.isCancelled || turns.open.isEmpty { return false }
          turns.waiter = continuation
          return true
        }
        if !mayWait { continuation.resume() }
      }
    } onCancel: {
      turns.withLock { turns in
        defer { turns.waiter = nil }
        return turns.waiter
      }?.resume()
    }
    try Task.checkCancellation()
  }
}
