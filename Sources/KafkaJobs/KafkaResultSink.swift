import Answering

/// Results and dead letters to their topics. `publish` returns when they are there and their offset is as good as
/// committed: in one transaction, or, at least once, before it.
public final class KafkaResultSink: ResultSink {
  private let hands: JobsInHand
  private let largestRecord: Int
  private let wake: @Sendable () -> Void

  init(_ hands: JobsInHand, largestRecord: Int, wake: @escaping @Sendable () -> Void) {
    self.hands = hands
    self.largestRecord = largestRecord
    self.wake = wake
  }

  /// Throws a `Rejection` where a result is larger than a record may be, and `CancellationError` where the delivery
  /// is another worker's by now. A dead letter is never too large: nothing could be published in its stead.
  public func publish(_ outcome: JobOutcome) async throws {
    let records = outcome.shortened(to: largestRecord).records
    if case .answered = outcome, let largest = records.map(\.value.count).max(), largest > largestRecord {
      throw Rejection(
        .resultTooLarge,
        "a result of \(largest) bytes; records have at most \(largestRecord) (--largest-record)")
    }
    guard let place = hands.place(of: outcome.delivery.sequence) else { throw CancellationError() }
    try await hands.publish(records, at: place, wake: wake)
  }
}
