import Answering
import CRdKafka
import Logging

/// What becomes of outcomes whose records the brokers refused.
struct Refusals {
  private let topic: String
  private let deadLetters: String
  private let log: Logger

  init(_ settings: KafkaSettings, log: Logger) {
    topic = settings.jobsTopic
    deadLetters = settings.deadLettersTopic
    self.log = log
  }

  /// A result that is too large is told to its job, which publishes a dead letter instead; for the rest, dead letters
  /// that are too large among it, its partition is left alone for a while.
  func settle(
    _ refused: [(outcome: JobsInHand.Outcome, error: KafkaError)], _ hands: JobsInHand,
    _ held: inout HeldPartitions
  ) {
    var told: Set<Int32> = []
    for (outcome, error) in refused.sorted(by: { $0.outcome.place.offset < $1.outcome.place.offset }) {
      let place = outcome.place
      let isTooLarge = error.code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
      if isTooLarge, !outcome.isDeadLetter {
        hands.giveUp(place, Rejection(.resultTooLarge, "the brokers take no record of this size: \(error)"))
      } else if told.insert(place.partition).inserted {
        let pause = held.hold(place.partition, [outcome], at: .now)
        let remedy = isTooLarge ? "; max.message.bytes of the topic \(deadLetters) must be raised" : ""
        log.warning(
          "Kafka: the outcome of \(topic)[\(place.partition)]@\(place.offset) cannot be published, trying again in \(pause): \(error)\(remedy)"
        )
      }
    }
  }
}
