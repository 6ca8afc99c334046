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
    let lines = (0..<257).map { line in JobFileTests.line("a", (0..<256).map { "\(line)-\($0)" }) }
    #expect(try collection(of: lines).questions == 256 * 257)
  }

  /// As of yesterday's file with the same job ids.
  @Test func resultsOfOtherQuestionsArePassedOver() throws {
    let old = JobFileTests.line("a", ["animal", "size"])
    var collection = try collection(of: [JobFileTests.line("a", ["colour", "size"])])
    #expect(try !collection.add(result("a", "animal")))
    #expect(try !collection.add(result("b", "colour")))
    #expect(collection.openQuestions == 2 && collection.repeats == 0)
    #expect(try collection.add(letter("a", about: Data(old.utf8))))
    #expect(collection.openQuestions == 1 && collection.failures == 1)
    #expect(try collection.add(result("a", "colour")))
    #expect(collection.isComplete)
  }

  @Test func aQuestionThatStandsTwiceGetsOneResult() throws {
    let line = JobFileTests.line("a", ["1", "2"])
    var collection = try collection(of: [line, line])
    #expect(collection.questions == 2 && collection.doubledQuestions == 2)
    #expect(try collection.add(result("a", "1")))
    #expect(try !collection.add(result("a", "1")))
    #expect(try collection.add(result("a", "2")))
    #expect(collection.isComplete && collection.repeats == 1)
  }

  /// Read again from the topic's beginning, what the output holds is no repetition the first time.
  @Test func whatTheOutputHoldsIsNotWrittenAgain() throws {
    let lines = [JobFileTests.line("a", ["1", "2"])]
    do {
      var first = try collection(of: lines)
      #expect(try first.add(result("a", "1")))
      try first.close()
    }
    var second = try collection(of: lines)
    #expect(second.openQuestions == 1)
    #expect(try !second.add(result("a", "1")))
    #expect(second.repeats == 0)
    #expect(try !second.add(result("a", "1")))
    #expect(second.repeats == 1)
    #expect(try second.add(result("a", "2")))
    #expect(second.isComplete)
  }
}
