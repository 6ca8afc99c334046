import Foundation
import Testing

@testable import Answering

@Suite struct ResultCodingTests {
  static let answered = JobResult(
    jobID: "a1", questionID: "q1",
    outcome: .success(Answer(text: "cat", finishReason: .stop, promptTokens: 1190, completionTokens: 2)),
    imageSHA256: String(repeating: "0", count: 64), model: ModelIdentity(name: "a/b", fingerprint: "f"),
    visualTokens: TokenLedger(
      encoded: 2880, compressed: 1122, selected: 561, scales: [4: 46, 1: 45, 2: 53], selection: .shared,
      selectionLayer: 8),
    tokenCache: .hit, timings: StageTimings(fetch: 12, vision: 0, prefill: 410.2, decode: 61),
    metadata: .object(["dataset": .string("pets")]))

  @Test func aResultIsWrittenAsDocumented() {
    #expect(
      String(decoding: Self.answered.json, as: UTF8.self) == """
        {"job_id":"a1","question_id":"q1","answer":"cat","finish_reason":"stop",\
        "image_sha256":"\(String(repeating: "0", count: 64))","model":{"name":"a/b","fingerprint":"f"},\
        "visual_tokens":{"encoded":2880,"compressed":1122,"selected":561,"scales":{"1":45,"2":53,"4":46},\
        "selection":"shared","selection_layer":8},"usage":{"prompt_tokens":1190,"completion_tokens":2},\
        "token_cache":"hit","timings_ms":{"fetch":12.0,"vision":0.0,"prefill":410.2,"decode":61.0},\
        "metadata":{"dataset":"pets"}}
        """)
  }

  @Test func wholeNumbersOfAnyLengthAreEchoed() throws {
    var result = Self.answered
    let metadata = #"{"row":18446744073709551615,"rows":[-9223372036854775809,9223372036854775807]}"#
    result.metadata = try JSONValue(parsing: Data(metadata.utf8))
    #expect(String(decoding: result.json, as: UTF8.self).hasSuffix(#""metadata":\#(metadata)}"#))
  }

  @Test func resultsComeBackAsTheyWere() throws {
    var chosen = Self.answered
    chosen.outcome = .success(
      Answer(
        text: "dog", finishReason: .length, promptTokens: 1, completionTokens: 0, logprob: -0.25,
        choiceProbabilities: [
          .init(choice: "dog", probability: 0.75), .init(choice: "cat", probability: 0.25),
        ]))
    chosen.visualTokens = TokenLedger(encoded: 1, compressed: 1, selected: 1)
    chosen.metadata = nil
    var failed = Self.answered
    failed.outcome = .failure(Rejection(.questionTooLong, "too long"))
    failed.visualTokens = nil

    for result in [Self.answered, chosen, failed] {
      #expect(try JobResult(json: Data(result.json)) == result)
    }
    let record = String(decoding: failed.json, as: UTF8.self)
    #expect(record.contains(#""question_id":"q1","error":{"code":"question_too_long","message":"too long"}"#))
    #expect(!record.contains("usage"))
  }

  @Test(arguments: [
    Origin.file("pets/cat.jpg"), .line(file: "jobs.jsonl", number: 7),
    .record(topic: "focus.jobs", partition: 3, offset: 17, timestamp: -1),
  ])
  func deadLettersComeBackAsTheyWere(origin: Origin) throws {
    let letter = DeadLetter(
      rejection: Rejection(.malformedJSON, "not valid JSON"), jobID: "a1", attempts: 2, origin: origin,
      payload: Payload(Data(repeating: 7, count: 100_000)))
    #expect(letter.payload?.isTruncated == true)
    #expect(letter.payload?.bytes.count == 65536)
    #expect(try DeadLetter(json: Data(letter.json)) == letter)
  }

  @Test func aDeadLetterIsWrittenAsDocumented() {
    let letter = DeadLetter(
      rejection: Rejection(.malformedJSON, "a"), jobID: nil, attempts: 1,
      origin: .record(topic: "focus.jobs", partition: 3, offset: 17, timestamp: 5),
      payload: Payload(Data("{".utf8)))
    #expect(
      String(decoding: letter.json, as: UTF8.self) == """
        {"reason":"malformed_json","message":"a","attempts":1,"source":{"topic":"focus.jobs","partition":3,\
        "offset":17,"timestamp":5},"payload":"ew==","payload_truncated":false}
        """)
  }
}
