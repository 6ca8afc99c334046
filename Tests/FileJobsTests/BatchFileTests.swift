import Adversary
import Foundation
import Testing

@testable import Answering
@testable import FileJobs

@Suite struct BatchFileTests {
  static func line(
    _ id: String, image: String = "https://host/cat.jpg", text: String = "What?", body: String = "",
    method: String = "POST", url: String = "/v1/chat/completions"
  ) -> String {
    #"{"custom_id":"\#(id)","method":"\#(method)","url":"\#(url)","body":{"model":"gpt-4o","messages":[{"role":"#
      + #""user","content":[{"type":"image_url","image_url":{"url":"\#(image)","detail":"low"}},"#
      + #"{"type":"text","text":"\#(text)"}]}]\#(body)}}"# + "\n"
  }

  func request(_ line: String) throws(Rejection) -> BatchRequest { try BatchRequest(line: Data(line.utf8)) }

  @Test func consecutiveLinesOnOneImageFormOneJob() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      Self.line("a") + Self.line("b") + "{oops\n" + Self.line("c", body: #","n":2"#) + Self.line("d")
        + Self.line("e", image: "dog.jpg") + Self.line("f"),
      to: "in.jsonl")

    var worker = EchoWorker()
    let run = try folder.open()
    try await worker.run(run)

    #expect(run.format == .openAIBatch)
    #expect(worker.jobs.map { $0.questions.map(\.id) } == [["a", "b", "d"], ["e"], ["f"]])
    #expect(
      worker.jobs.map(\.image)
        == ["https://host/cat.jpg", "dog.jpg", "https://host/cat.jpg"].map { .uri($0) })
    #expect(worker.rejections.map(\.jobID) == [nil, "c"])
    #expect(try folder.lines("out.jsonl").count == 7)
  }

  @Test func aByteOrderMarkIsPassedOver() async throws {
    let folder = try TemporaryFolder()
    try folder.write("\u{FEFF}" + Self.line("a"), to: "in.jsonl")
    var worker = EchoWorker()
    let run = try folder.open()
    try await worker.run(run)
    #expect(run.format == .openAIBatch && worker.asked.count == 1)
  }

  @Test func anAnswerIsAChatCompletion() async throws {
    let folder = try TemporaryFolder()
    try folder.write(Self.line("a"), to: "in.jsonl")
    var worker = EchoWorker()
    try await worker.run(try folder.open())

    let root = try JSONFields(JSONValue(parsing: Data(folder.read("out.jsonl").utf8)))
    #expect(root["custom_id"] == .string("a"))
    #expect(root["error"] == .null)
    let response = try #require(try root.object("response"))
    #expect(response["status_code"] == .integer(200))
    let body = try #require(try response.object("body"))
    #expect(body["object"] == .string("chat.completion"))
    #expect(body["model"] == .string("echo"))
    let choices = try #require(body["choices"])
    #expect(
      choices
        == .array([
          .object([
            "index": .integer(0), "logprobs": .null, "finish_reason": .string("stop"),
            "message": .object([
              "role": .string("assistant"), "content": .string("WHAT?"), "refusal": .null,
            ]),
          ])
        ]))
    #expect(
      body["usage"]
        == .object([
          "prompt_tokens": .integer(10), "completion_tokens": .integer(2), "total_tokens": .integer(12),
        ]))
  }

  @Test func failuresStandInTheirLinesError() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      Self.line("a", text: "long") + Self.line("b") + Self.line("c", image: "gone.jpg")
        + Self.line("d", image: "gone.jpg")
        + Self.line("b"),
      to: "in.jsonl")
    var worker = EchoWorker()
    worker.failing = ["long", "gone.jpg"]
    try await worker.run(try folder.open())

    var errors: [String: JSONValue] = [:]
    for line in try folder.lines("out.jsonl") {
      let root = try JSONFields(JSONValue(parsing: Data(line.utf8)))
      guard root["response"] == .null, let error = try root.object("error") else { continue }
      errors[try root.requiredText("custom_id")] = error["code"]
    }
    #expect(
      errors == [
        "a": .string("question_too_long"), "b": .string("schema_violation"),
        "c": .string("image_unreachable"),
        "d": .string("image_unreachable"),
      ])
  }

  @Test func aBatchIsResumedFromEveryByte() async throws {
    let folder = try TemporaryFolder()
    try folder.write(
      Self.line("a") + "{oops\n" + Self.line("b") + Self.line("a") + Self.line("c", image: "gone.jpg"),
      to: "in.jsonl")
    var worker = EchoWorker()
    worker.failing = ["gone.jpg"]
    try await worker.run(try folder.open())
    let whole = Array(try folder.read("out.jsonl").utf8)
    let ids = try Set(folder.lines("out.jsonl").map(Self.id))
    #expect(ids.count == 5)

    for end in 0...whole.count {
      try folder.write(whole.prefix(end), to: "out.jsonl")
      var resumed = EchoWorker()
      resumed.failing = ["gone.jpg"]
      try await resumed.run(try folder.open())
      let lines = try folder.lines("out.jsonl")
      #expect(lines.count == 5)
      #expect(try Set(lines.map(Self.id)) == ids, "cut after byte \(end)")
      for job in resumed.jobs where job.image != .uri("gone.jpg") {
        #expect(job.questions.count + job.answeredEarlier == 2)
      }
    }
  }

  static func id(of line: String) throws -> String {
    try JSONFields(JSONValue(parsing: Data(line.utf8))).requiredText("id")
  }

  @Test func parametersAreReadAndNullsAreAbsent() throws {
    let request = try request(
      Self.line(
        "a",
        body: #"""
          ,"max_completion_tokens":7,"max_tokens":null,"temperature":0.5,"top_p":0.9,"stop":"END","seed":-1,
          "n":1,"frequency_penalty":0.0,"tools":[],"response_format":{"type":"text"},"user":"me","logprobs":false
          """#.replacingOccurrences(of: "\n", with: "")))
    #expect(request.parameters.maxTokens == 7)
    #expect(request.parameters.temperature == 0.5)
    #expect(request.parameters.topP == 0.9)
    #expect(request.parameters.stop == ["END"])
    #expect(request.parameters.seed == .max)
  }

  @Test(arguments: [
    #""n":2"#, #""tools":[{}]"#, #""response_format":{"type":"json_object"}"#,
    #""logit_bias":{"50256":-100}"#,
    #""stream":true"#, #""functions":[{}]"#, #""logprobs":true"#, #""top_k":5"#, #""presence_penalty":0.1"#,
    #""max_tokens":100000"#, #""temperature":3"#, #""stop":["1","2","3","4","5","6","7","8","9"]"#,
  ])
  func fieldsThatChangeTheAnswerAreRefusedByName(field: String) {
    let rejection = #expect(throws: Rejection.self) { try request(Self.line("a", body: "," + field)) }
    #expect(rejection?.reason == .invalidParameters)
    let name = field.split(separator: "\"").first ?? ""
    #expect(rejection?.message.hasPrefix("body.\(name)") == true)
  }

  @Test func dataURLsAreTakenHereOnly() throws {
    let request = try request(Self.line("a", image: "data:image/png;base64,iVBORw0KGgo="))
    #expect(request.image == .data(Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])))
    for url in [
      "data:", "data:image/png,abc", "data:text/html;base64,AAAA", "data:image/png;base64,",
      "data:image/png;base64,!",
    ] {
      #expect(throws: Rejection.self) { try self.request(Self.line("a", image: url)) }
    }
  }

  @Test func systemMessagesBecomeSystemText() throws {
    let line = Self.line("a").replacingOccurrences(
      of: #""messages":["#, with: #""messages":[{"role":"system","content":"Be brief."},"#)
    #expect(try request(line).parameters.system == "Be brief.")
  }

  @Test(arguments: [
    Self.line("a", method: "GET"), Self.line("a", url: "/v1/embeddings"), Self.line(""),
    Self.line("a", text: ""),
    #"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"messages":[]}}"#,
    #"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"hi"}]}}"#,
    Self.line("a").replacingOccurrences(
      of: #""messages":["#, with: #""messages":[{"role":"assistant","content":"Hello."},"#),
  ])
  func otherRequestsAreRefused(line: String) {
    let rejection = #expect(throws: Rejection.self) { try request(line) }
    #expect(rejection?.reason == .schemaViolation)
  }

  @Test func formatsAreGuessedFromTheirFirstFields() {
    func guess(_ text: String) -> FileFormat { .guess(from: Data(text.utf8)) }
    #expect(guess(#"{"custom_id":"a","body":{"mess"#) == .openAIBatch)
    #expect(guess(#"{"image":{"data":"AAAAAAAA"#) == .jobs)
    #expect(guess(#"{"question_id":1,"image":"a.jpg","text":"?"}"#) == .llava)
    #expect(guess("{\n \"info\": {},\n \"questions\": [") == .vqav2)
    #expect(guess("oops") == .jobs)
    #expect(guess("") == .jobs)
  }
}
