import Answering
import Foundation
import Testing

@testable import KafkaJobs

struct DeadLetterTests {
  private let letter = DeadLetter(
    rejection: Rejection(.malformedJSON, "no JSON"), jobID: "a1", attempts: 1,
    origin: .record(topic: "focus.jobs", partition: 0, offset: 7, timestamp: 0),
    payload: Payload(Data(repeating: 1, count: 4096)))

  @Test func oneThatIsTooLargeGoesWithoutItsJobsRecord() throws {
    let sent = try shortened(to: 1024)
    #expect(sent.payload == Payload(Data(), isTruncated: true))
    #expect(sent.rejection == letter.rejection && sent.jobID == letter.jobID)
  }

  @Test func oneThatFitsIsKeptWhole() throws {
    #expect(try shortened(to: 8192) == letter)
  }

  private func shortened(to bytes: Int) throws -> DeadLetter {
    let delivery = Delivery(sequence: 1, origin: letter.origin, content: .failure(letter.rejection))
    let records = JobOutcome.rejected(letter, delivery: delivery).shortened(to: bytes).records
    #expect(records.count == 1)
    return try DeadLetter(json: Data(try #require(records.first).value))
  }
}
