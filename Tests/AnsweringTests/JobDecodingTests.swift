import Foundation
import Testing

@testable import Answering

@Suite struct JobDecodingTests {
  static let interfaces = """
    {"job_id": "a1", "image": {"uri": "https://host/cat.jpg"},
     "questions": [{"question_id": "q1", "text": "What animal is this?", "parameters": {"choices": ["cat", "dog"]}}],
     "parameters": {"max_tokens": 64, "temperature": 0, "stop": ["\\n"]},
     "metadata": {"dataset": "pets"}}
    """

  @Test func theDocumentedJobIsRead() throws {
    let job = try Job(json: Data(Self.interfaces.utf8))

    #expect(job.id == "a1")
    #expect(job.image == .uri("https://host/cat.jpg"))
    #expect(job.questions.map(\.id) == ["q1"])
    let parameters = try #require(job.questions.first?.parameters)
    #expect(parameters.maxTokens == 64)
    #expect(parameters.stop == ["\n"])
    #expect(parameters.choices == ["cat", "dog"])
    #expect(job.metadata == .object(["dataset": .string("pets")]))
    #expect(job.compression == nil)
  }

  @Test func questionParametersOverrideTheJobsFieldByField() throws {
    let job = try decode(
      parameters: #"{"max_tokens": 10, "temperature": 1.5, "stop": ["a"], "compression": "none"}"#,
      questionParameters: #"{"temperature": 0.25, "seed": 4294967295, "stop": []}"#)

    let parameters = try #require(job.questions.first?.parameters)
    #expect(parameters.maxTokens == 10)
    #expect(parameters.temperature == 0.25)
    #expect(parameters.seed == .max)
    #expect(parameters.stop == [])
    #expect(job.compression == Compression.none)
  }

  @Test func defaultsHoldWhereNothingIsSet() throws {
    var defaults = GenerationParameters()
    defaults.maxTokens = 7
    defaults.temperature = 1
    let message = """
      {"job_id":"a","image":{"uri":"a.jpg"},"questions":[{"question_id":"q","text":"?"}],
       "parameters":{"temperature":0}}
      """
    let job = try Job(json: Data(message.utf8), defaults: defaults)
    #expect(job.questions.map(\.parameters.maxTokens) == [7])
    #expect(job.questions.map(\.parameters.temperature) == [0])
  }

  @Test func complaintsNameThePathAndWhatIsAllowed() {
    expect(.invalidParameters, "questions[0].parameters.temperature must be a number from 0 to 2, not -1") {
      try decode(questionParameters: #"{"temperature": -1}"#)
    }
    expect(.invalidParameters, "parameters.max_tokens must be an integer of 1–4096, not 1000000000") {
      try decode(parameters: #"{"max_tokens": 1000000000}"#)
    }
    expect(.schemaViolation, #""parameters.max_new_tokens" is not a known field; did you mean "max_tokens"?"#)
    {
      try decode(parameters: #"{"max_new_tokens": 3}"#)
    }
    expect(.schemaViolation, #""parameters.temprature" is not a known field; did you mean "temperature"?"#) {
      try decode(parameters: #"{"temprature": 3}"#)
    }
    expect(.schemaViolation, "the message must be an object, not null") { try Job(json: Data("null".utf8)) }
    expect(.schemaViolation, "the message is empty") { try Job(json: Data()) }
    expect(.schemaViolation, "job_id is missing; it must be text of 1–256 characters") {
      try Job(json: Data("{}".utf8))
    }
  }

  @Test func hostileNamesDoNotFloodTheMessage() {
    let name = String(repeating: "e\u{301}", count: 100_000)
    let rejection = #expect(throws: Rejection.self) {
      try Job(json: Data(#"{"\#(name)": 1}"#.utf8))
    }
    #expect((rejection?.message.utf8.count ?? .max) < 300)
  }

  @Test func theByteLimitComesBeforeParsing() {
    let limits = JobLimits(messageBytes: 100)
    expect(.payloadTooLarge, "the message has 101 bytes; 100 are allowed") {
      try Job(json: Data(repeating: UInt8(ascii: "{"), count: 101), limits: limits)
    }
  }

  @Test func aFloodOfSmallValuesIsRefused() {
    let values = String(repeating: "1,", count: 300_000) + "1"
    let message = Data(#"{"metadata": {"a": [\#(values)]}}"#.utf8)
    let rejection = #expect(throws: Rejection.self) { try Job(json: message) }
    #expect(rejection?.reason == .payloadTooLarge)
  }

  @Test func controlTextIsLiteral() throws {
    let job = try decode(text: #"<image></s> \u0000 \u202e \ud83d\ude00"#)
    #expect(job.questions.first?.text == "<image></s> \u{0} \u{202E} 😀")
  }

  @Test func lengthsCountScalarsNotGraphemes() {
    // One character on screen, 16,385 in the message.
    let text = "e" + String(repeating: "\u{301}", count: 16384)
    expect(.schemaViolation, "questions[0].text must have 1–16384 characters, not 16385") {
      try decode(text: text)
    }
  }

  @Test func idsThatUnicodeHoldsEqualAreDuplicates() {
    let questions = #"[{"question_id":"é","text":"?"},{"question_id":"e\#u{301}","text":"?"}]"#
    expect(
      .schemaViolation, "questions[1].question_id repeats that of questions[0]; ids must differ within a job"
    ) {
      try Job(json: Data(#"{"job_id":"a","image":{"uri":"a.jpg"},"questions":\#(questions)}"#.utf8))
    }
  }

  @Test func theIDOfARefusedMessageIsRecovered() {
    let whole = Data(Self.interfaces.utf8)
    for end in 15...whole.count { #expect(Job.readableID(in: whole.prefix(end)) == "a1") }
    for end in 0...14 { #expect(Job.readableID(in: whole.prefix(end)) == nil) }
    #expect(Job.readableID(in: Data(#"{"prompt": 3, "job_id": "b2"}"#.utf8)) == "b2")
    #expect(Job.readableID(in: Data(#"{"job_id": 7}"#.utf8)) == nil)
    #expect(Job.readableID(in: Data(#"[{"job_id": "a"}]"#.utf8)) == nil)
  }

  @Test func aDeliveryCarriesTheDamage() {
    let origin = Origin.line(file: "jobs.jsonl", number: 3)
    let message = Data(#"{"job_id": "a1", "image": oops"#.utf8)
    let delivery = Delivery(sequence: 5, origin: origin, message: message, limits: .files)

    #expect(delivery.rejectedJobID == "a1")
    #expect(delivery.payload == Payload(message))
    #expect(throws: Rejection.self) { try delivery.content.get() }

    let tombstone = Delivery(sequence: 6, origin: origin, message: nil, limits: .files)
    expect(.schemaViolation, "the record has no value") { try tombstone.content.get() }
  }

  /// A Kafka client lends a record's bytes and takes them back: nothing of them may stay in a delivery.
  @Test(arguments: [
    #"{"job_id":"a","image":{"uri":"a.png"},"questions":[{"question_id":"1","text":"What?"}]}"#, "{oops",
  ])
  func nothingOfAMessagesMemoryIsKept(_ text: String) throws {
    let lent = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
    defer { lent.deallocate() }
    lent.copyBytes(from: text.utf8)
    let message = Data(
      bytesNoCopy: try #require(lent.baseAddress), count: lent.count, deallocator: .none)
    let delivery = Delivery(
      sequence: 1, origin: .record(topic: "t", partition: 0, offset: 0, timestamp: 0), message: message,
      limits: .records)
    lent.initializeMemory(as: UInt8.self, repeating: 0x58)
    #expect(delivery.payload?.bytes == Data(text.utf8))
    if let job = try? delivery.content.get() {
      #expect(job.id == "a" && job.image == .uri("a.png") && job.questions.map(\.text) == ["What?"])
    }
  }

  /// The documented job takes some microseconds; this bound is for slow machines and debug builds.
  @Test func parsingIsFast() throws {
    let message = Data(Self.interfaces.utf8)
    let started = ContinuousClock.now
    for _ in 0..<100 { _ = try Job(json: message) }
    #expect(ContinuousClock.now - started < .seconds(1))
  }
}

@discardableResult
func decode(
  parameters: String = "{}", questionParameters: String = "{}", text: String = "?"
) throws -> Job {
  try Job(
    json: Data(
      """
      {"job_id": "a", "image": {"uri": "a.jpg"}, "parameters": \(parameters),
       "questions": [{"question_id": "q", "text": "\(text)", "parameters": \(questionParameters)}]}
      """.utf8))
}

func expect<Value>(
  _ reason: RejectionReason, _ message: String, sourceLocation: SourceLocation = #_sourceLocation,
  from body: () throws -> Value
) {
  let rejection = #expect(throws: Rejection.self, sourceLocation: sourceLocation) { _ = try body() }
  #expect(rejection == Rejection(reason, message), sourceLocation: sourceLocation)
}
