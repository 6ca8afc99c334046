import Adversary
import Foundation
import Testing

@testable import Answering
@testable import FileJobs

/// Lines that share a job id, with other questions.
@Suite struct ResultCollectionTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  private func collection(of jobs: [String]) throws -> ResultCollection {
    try folder.write(jobs.joined(), to: "jobs.jsonl")
    return try ResultCollection(jobs: folder.path("jobs.jsonl"), output: folder.path("results.jsonl"))
  }

  private func result(_ job: String, _ question: String) -> Data {
    Data(#"{"job_id": "\#(job)", "question_id": "\#(question)", "answer": "yes"}"#.utf8)
  }

  private func letter(_ job: String, about line: Data, isTruncated: Bool = false) -> Data {
    Data(
      DeadLetter(
        rejection: Rejection(.imageUnreachable, "gone"), jobID: job, attempts: 1,
        origin: .record(topic: "jobs", partition: 0, offset: 0, timestamp: 0),
        payload: Payload(line, isTruncated: isTruncated)
      ).json)
  }

  @Test func aDeadLetterIsAboutTheQuestionsOfItsLine() throws {
    let lines = [JobFileTests.line("a", ["1", "2"]), JobFileTests.line("a", ["3"])]
    var collection = try collection(of: lines)
    #expect(try collection.add(letter("a", about: Data(lines[0].utf8))))
    #expect(collection.openQuestions == 1 && collection.failures == 2)
    #expect(try !collection.add(letter("a", about: Data(lines[0].utf8))))
    #expect(try collection.add(result("a", "3")))
    #expect(collection.isComplete && collection.failures == 2)
  }

  @Test func aDeadLetterWithoutItsLineIsAboutAllThatIsOpen() throws {
    let lines = [JobFileTests.line("a", ["1", "2"]), JobFileTests.line("b", ["3"])]
    var collection = try collection(of: lines)
    #expect(try collection.add(letter("a", about: Data(lines[0].utf8.prefix(10)), isTruncated: true)))
    #expect(collection.openQuestions == 1 && collection.failures == 2)
  }

  @Test func moreQuestionsThanACounterOf16BitsHolds() throws {
    let line = JobFileTests.line("a", (0..<256).map(String.init))
    #expect(try collection(of: Array(repeating: line, count: 257)).questions == 256 * 257)
  }
}
