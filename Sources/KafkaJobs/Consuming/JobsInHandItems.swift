import Answering

extension JobsInHand {
  typealias Place = OffsetLedger.Place

  /// A record read ahead.
  struct Record: Sendable {
    var place: Place
    var message: KafkaMessage
    var withdrawal: Signal
  }

  /// An outcome that waits for its place to be committed.
  struct Outcome: Sendable {
    var place: Place
    var records: [OutgoingRecord]
    var continuation: CheckedContinuation<Void, any Error>

    var isDeadLetter: Bool { records.contains { $0.topic == .deadLetters } }
  }
}
