import CRdKafka
import Testing

@testable import KafkaJobs

struct HeldPartitionsTests {
  private let begin = ContinuousClock.now
  private let hands = JobsInHand(readAhead: 1, readAheadBytes: 1)
  private let allThere: HeldPartitions.Unavailable = { _ in [:] }

  init() { hands.assign([0, 1]) }

  @Test func whatWasTakenUpIsWithheldForANewRefusalAlone() async throws {
    var held = HeldPartitions()
    let letter = try await refused(partition: 0, offset: 7)
    _ = held.hold(0, [letter], at: begin)
    held.review(hands, unavailable: allThere, at: begin + .seconds(6))
    #expect(hands.withheld == [0])
    held.review(hands, unavailable: allThere, at: begin + .seconds(7))
    #expect(hands.withheld.isEmpty)
    // Its jobs may take as long as they like.
    held.review(hands, unavailable: allThere, at: begin + .seconds(60))
    #expect(hands.withheld.isEmpty)
    _ = held.hold(0, [letter], at: begin + .seconds(60))
    held.review(hands, unavailable: allThere, at: begin + .seconds(64))
    #expect(hands.withheld.isEmpty)
    held.review(hands, unavailable: allThere, at: begin + .seconds(66))
    #expect(hands.withheld == [0])
  }

  @Test func whatGoesToATopicThatIsAwayStaysWithheld() async throws {
    var held = HeldPartitions()
    _ = held.hold(0, [try await refused(partition: 0, offset: 7)], at: begin)
    held.review(hands, unavailable: allThere, at: begin + .seconds(6))
    held.review(
      hands, unavailable: { _ in [.deadLetters: KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)] },
      at: begin + .seconds(7))
    #expect(hands.withheld == [0])
  }

  /// Its hold may have ended meanwhile; it is left alone nevertheless.
  @Test func nothingOfWhatIsWithheldIsPublished() async throws {
    var held = HeldPartitions()
    _ = held.hold(0, [try await refused(partition: 0, offset: 7)], at: begin)
    #expect(held.resting(hands, at: begin) == [0])
    #expect(held.resting(hands, at: begin + .seconds(6)).isEmpty)
    held.review(hands, unavailable: allThere, at: begin + .seconds(6))
    #expect(held.resting(hands, at: begin + .seconds(6)) == [0])
  }

  @Test func whatIsWithheldForNoReasonIsTakenUp() async throws {
    var held = HeldPartitions()
    let letter = try await refused(partition: 0, offset: 7)
    _ = held.hold(0, [letter], at: begin)
    held.review(hands, unavailable: allThere, at: begin + .seconds(6))
    held.release([letter])
    held.review(hands, unavailable: allThere, at: begin + .seconds(6))
    #expect(hands.withheld.isEmpty)
  }

  /// A dead letter that nobody waits for.
  private func refused(partition: Int32, offset: Int64) async throws -> JobsInHand.Outcome {
    var letter: JobsInHand.Outcome?
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      letter = JobsInHand.Outcome(
        place: OffsetLedger.Place(partition: partition, stay: 1, offset: offset),
        records: [OutgoingRecord(topic: .deadLetters, key: [], value: [])], continuation: continuation)
      continuation.resume()
    }
    return try #require(letter)
  }
}
