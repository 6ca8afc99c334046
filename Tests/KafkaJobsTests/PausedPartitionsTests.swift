import CRdKafka
import Logging
import Testing

@testable import KafkaJobs

/// With a client that reaches no broker.
struct PausedPartitionsTests {
  @Test func whatIsTakenUpWaitsForRoomAsTheOthersDo() throws {
    var paused = PausedPartitions(try Self.client(), topic: "focus.jobs")
    paused.withhold(0)
    paused.pause([0, 1])
    #expect(paused.full == [1])
    paused.takeUp(0, at: nil)
    #expect(paused.withheld.isEmpty && paused.full == [0, 1])
    paused.resume()
    #expect(!paused.isWaitingForRoom)
  }

  @Test func whatIsTakenUpIsReadAtOnceWhereThereIsRoom() throws {
    var paused = PausedPartitions(try Self.client(), topic: "focus.jobs")
    paused.withhold(0)
    paused.takeUp(0, at: nil)
    #expect(paused.withheld.isEmpty && !paused.isWaitingForRoom)
  }

  private static func client() throws -> KafkaClient {
    try KafkaConfiguration().client(RD_KAFKA_CONSUMER, KafkaEvents(log: Logger(label: "test")))
  }
}
