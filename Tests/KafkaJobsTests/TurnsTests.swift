import Answering
import Foundation
import Testing

@testable import KafkaJobs

/// In what order jobs are counted and given out.
struct TurnsTests {
  @Test func whatIsCountedIsGivenOutInOrder() {
    var turns = Turns()
    #expect(turns.step == "read")
    turns.counted([delivery(1), delivery(2)])
    #expect(turns.steps(3) == ["give 1", "give 2", "read"])
  }

  @Test func aSuspectWaitsForTheOthersAndTheOthersForIt() {
    var turns = Turns()
    turns.counted([delivery(1)])
    #expect(turns.step == "give 1")
    turns.add([delivery(2, attempts: 2), delivery(3)])
    #expect(turns.steps(2) == ["wait", "wait"])
    turns.end(1)
    #expect(turns.isNothingOpen)
    #expect(turns.step == "count 2")
    turns.counted([delivery(2, attempts: 2)])
    #expect(turns.steps(2) == ["give 2", "wait"])
    turns.end(2)
    #expect(turns.step == "count 3")
    turns.counted([delivery(3)])
    #expect(turns.steps(2) == ["give 3", "read"])
  }

  /// Whoever dies of a suspect has begun no other, so no other's count has grown.
  @Test func nothingIsCountedBesideASuspect() {
    var turns = Turns()
    turns.add((1...4).map { delivery($0, attempts: 3) })
    for sequence in 1...4 {
      #expect(turns.step == "count \(sequence)")
      turns.counted([delivery(sequence, attempts: 3)])
      #expect(turns.notGivenOut.map(\.sequence) == [sequence])
      #expect(turns.steps(2) == ["give \(sequence)", "wait"])
      turns.end(sequence)
    }
    #expect(turns.step == "read")
  }

  @Test func theUnsuspectedBetweenSuspectsAreCountedTogether() {
    var turns = Turns()
    turns.add([delivery(1), delivery(2), delivery(3, attempts: 2)])
    #expect(turns.step == "count 1 2")
    turns.counted([delivery(1), delivery(2)])
    #expect(turns.steps(3) == ["give 1", "give 2", "wait"])
    turns.end(2)
    #expect(turns.step == "wait")
    turns.end(1)
    #expect(turns.step == "count 3")
  }

  /// It was not suspected when it was looked at, and is when it is counted.
  @Test func whoBecomesASuspectRunsAlone() {
    var turns = Turns()
    turns.add([delivery(1), delivery(2)])
    #expect(turns.step == "count 1 2")
    turns.counted([delivery(1), delivery(2, attempts: 2)])
    #expect(turns.steps(2) == ["give 1", "wait"])
    turns.end(1)
    #expect(turns.steps(2) == ["give 2", "wait"])
  }

  @Test func whatHasGoneToAnotherWorkerIsNeverGivenOut() {
    let withdrawal = Signal()
    var turns = Turns()
    turns.counted([delivery(1, withdrawal), delivery(2)])
    turns.add([delivery(3, withdrawal, attempts: 2)])
    withdrawal.raise()
    #expect(turns.steps(3) == ["withdraw 1", "give 2", "read"])
  }

  @Test func whatHasGoneIsTakenOutWhileASuspectIsOpen() {
    let withdrawal = Signal()
    var turns = Turns()
    turns.counted([delivery(1, attempts: 2), delivery(2, withdrawal), delivery(3)])
    #expect(turns.steps(2) == ["give 1", "wait"])
    withdrawal.raise()
    #expect(turns.takeWithdrawn().map(\.sequence) == [2])
    #expect(turns.takeWithdrawn().isEmpty)
    turns.end(1)
    #expect(turns.steps(2) == ["give 3", "read"])
  }

  private func delivery(_ sequence: Int, _ withdrawal: Signal? = nil, attempts: Int = 1) -> Delivery {
    var delivery = Delivery(
      sequence: sequence,
      origin: .record(topic: "jobs", partition: 0, offset: Int64(sequence), timestamp: 0),
      content: .failure(Rejection(.internal, "")))
    delivery.attempts = attempts
    delivery.withdrawal = withdrawal
    return delivery
  }
}

extension Turns {
  /// The next step in words.
  fileprivate var step: String {
    mutating get {
      switch next() {
      case .read: "read"
      case .wait: "wait"
      case .give(let delivery): "give \(delivery.sequence)"
      case .count(let deliveries): "count " + deliveries.map { "\($0.sequence)" }.joined(separator: " ")
      case .withdraw(let deliveries): "withdraw " + deliveries.map { "\($0.sequence)" }.joined(separator: " ")
      }
    }
  }

  fileprivate mutating func steps(_ count: Int) -> [String] { (0..<count).map { _ in step } }
}
