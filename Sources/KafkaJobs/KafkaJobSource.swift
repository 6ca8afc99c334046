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
  /// Waits until nothing is open.
  private let waiter = Mutex<CheckedContinuation<Void, Never>?>(nil)

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
    guard let attempts else { return }
    // At once, though nothing is asked for meanwhile: the next owner's counts would make suspects of them.
    hands.onDrop { [weak self] in
      guard let self else { return }
      let withdrawn = turns.withLock { $0.takeWithdrawn() }.map(key)
      Task { await attempts.withdraw(withdrawn) }
    }
  }

  public func next() async throws -> Delivery? {
    while true {
      switch turns.withLock({ $0.next() }) {
      case .give(let delivery): return delivery
      case .wait: try await waitUntilNothingIsOpen()
      case .withdraw(let deliveries): await attempts?.withdraw(deliveries.map(key))
      case .count(let deliveries):
        let counted = await count(deliveries)
        turns.withLock { $0.counted(counted) }
      case .read:
        if try await !read() { return nil }
      }
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
    await attempts?.withdraw([key(of: delivery)])
  }

  /// What was counted and not given out is nobody's attempt.
  func close() async {
    await attempts?.withdraw(turns.withLock(\.notGivenOut).map(key))
    await attempts?.close()
  }

  private func left(_ delivery: Delivery) {
    hands.finish(delivery.sequence)
    let isNothingOpen = turns.withLock { turns in
      turns.end(delivery.sequence)
      return turns.isNothingOpen
    }
    if isNothingOpen { stopWaiting() }
  }

  // MARK: Reading and counting

  /// False at the end.
  private func read() async throws -> Bool {
    let records = try await hands.next(attempts == nil ? 1 : Self.countedTogether)
    madeRoom()
    let deliveries = records.map { delivery(of: $0.record, sequence: $0.sequence) }
    if attempts == nil {
      turns.withLock { $0.counted(deliveries) }
      return !deliveries.isEmpty
    }
    let counted = await count(deliveries)
    let hasSuspects = counted.contains { $0.attempts > 1 }
    // Among suspects each is counted in its own turn: a worker that dies of one has begun no other.
    if hasSuspects { await attempts?.withdraw(counted.map(key)) }
    turns.withLock { hasSuspects ? $0.add(counted) : $0.counted(counted) }
    return !deliveries.isEmpty
  }

  /// Notes that these are begun; one that was begun too often is rejected.
  private func count(_ deliveries: [Delivery]) async -> [Delivery] {
    guard let attempts else { return deliveries }
    let counts = await attempts.begin(deliveries.map(key))
    return zip(deliveries, counts).map { delivery, count in
      var delivery = delivery
      delivery.attempts = count
      if count > settings.attemptLimit {
        delivery.rejectedJobID = (try? delivery.content.get().id) ?? delivery.rejectedJobID
        delivery.content = .failure(
          Rejection(
            .attemptsExhausted,
            "begun \(count - 1) times and never ended: the workers may have died of it (--max-attempts)"))
      }
      return delivery
    }
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

  // MARK: Waiting

  private func waitUntilNothingIsOpen() async throws {
    try Task.checkCancellation()
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        waiter.withLock { $0 = continuation }
        // What ended meanwhile found nobody waiting.
        if Task.isCancelled || turns.withLock(\.isNothingOpen) { stopWaiting() }
      }
    } onCancel: {
      stopWaiting()
    }
    try Task.checkCancellation()
  }

  private func stopWaiting() {
    waiter.withLock { waiter in
      defer { waiter = nil }
      return waiter
    }?.resume()
  }
}
