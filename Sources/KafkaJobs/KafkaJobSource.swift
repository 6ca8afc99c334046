import Answering

/// Jobs from the topic, in order within a partition.
public final class KafkaJobSource: JobSource {
  private let hands: JobsInHand
  private let topic: String
  private let limits: JobLimits
  private let defaults: GenerationParameters
  private let madeRoom: @Sendable () -> Void

  init(
    _ hands: JobsInHand, topic: String, limits: JobLimits, defaults: GenerationParameters,
    madeRoom: @escaping @Sendable () -> Void
  ) {
    self.hands = hands
    self.topic = topic
    self.limits = limits
    self.defaults = defaults
    self.madeRoom = madeRoom
  }

  public func next() async throws -> Delivery? {
    guard let (sequence, record) = try await hands.next(1).first else { return nil }
    madeRoom()
    let message = record.message
    let origin = Origin.record(
      topic: topic, partition: message.partition, offset: message.offset, timestamp: message.timestamp)
    var delivery = message.withValue {
      Delivery(sequence: sequence, origin: origin, message: $0, limits: limits, defaults: defaults)
    }
    delivery.withdrawal = record.withdrawal
    return delivery
  }

  /// The sink has committed its offset.
  public func finish(_ delivery: Delivery) async throws { hands.finish(delivery.sequence) }
}
