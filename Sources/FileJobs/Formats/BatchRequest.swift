import Answering
import Foundation

/// One line of an OpenAI batch: a chat completion about one image.
struct BatchRequest: Sendable, Equatable {
  static let url = "/v1/chat/completions"

  var customID: String
  var image: ImageReference
  var text: String
  var parameters: GenerationParameters

  /// Throws `Rejection`, also for body fields that would change the answer and are not supported. Others are
  /// ignored, as OpenAI's endpoint does; null means absent. What is absent is taken from `defaults`, not from
  /// OpenAI's.
  init(line: Data, defaults: GenerationParameters = .init()) throws(Rejection) {
    let root = try JSONFields(JSONValue(parsing: line))
    guard let id = try root.text("custom_id", length: Job.idLength) else {
      throw root.bad("custom_id", mustBe: "text of 1–256 characters")
    }
    guard root["method"] == .string("POST") else { throw root.bad("method", mustBe: "\"POST\"") }
    guard root["url"] == .string(Self.url) else { throw root.bad("url", mustBe: "\"\(Self.url)\"") }
    guard let value = root["body"] else { throw root.bad("body", mustBe: "an object") }
    let body = try JSONFields(value, at: "body", reason: .invalidParameters).withoutNulls
    try UnsupportedFields.check(body)
    let messages = try ChatMessages(body)
    customID = id
    image = messages.image
    text = messages.text
    parameters = defaults
    try parameters.override(withBody: body)
    if let system = messages.system { parameters.system = system }
  }

  /// The `custom_id` of a refused line where it can be read.
  static func readableID(in line: Data) -> String? {
    for case ("custom_id", .string(let id)) in JSONValue.readableFields(of: line) {
      return Job.idLength.contains(id.unicodeScalars.count) ? id : nil
    }
    return nil
  }
}

extension GenerationParameters {
  fileprivate mutating func override(withBody body: JSONFields) throws(Rejection) {
    // The newer name wins, as at OpenAI's.
    let newer = try body.integer("max_completion_tokens", in: 1...4096)
    let older = try body.integer("max_tokens", in: 1...4096)
    if let value = newer ?? older { maxTokens = value }
    if let value = try body.temperature() { temperature = value }
    if let value = try body.topP() { topP = value }
    if let value = try body.minP() { minP = value }
    // OpenAI's seeds have 64 bits and a sign; equal seeds stay equal.
    if let value = try body.integer("seed", in: Int.min...Int.max) {
      seed = UInt32(truncatingIfNeeded: value)
    }
    if case .string = body["stop"] {
      if let value = try body.text("stop", length: 1...1024) { stop = [value] }
    } else if let value = try body.texts("stop", count: 0...8) {
      stop = value
    }
  }
}

/// Body fields that change the answer, and that nothing here stands for.
enum UnsupportedFields {
  /// With the values that change nothing; any other is refused.
  private static let neutral: [String: [JSONValue]] = [
    "add_generation_prompt": [.bool(true)], "audio": [], "bad_words": [.array([])], "best_of": [.integer(1)],
    "chat_template": [], "chat_template_kwargs": [.object([:])], "continue_final_message": [.bool(false)],
    "documents": [.array([])], "echo": [.bool(false)], "frequency_penalty": [.integer(0)],
    "function_call": [.string("none"), .string("auto")], "functions": [.array([])], "guided_choice": [],
    "guided_grammar": [], "guided_json": [], "guided_regex": [], "ignore_eos": [.bool(false)],
    "length_penalty": [.integer(1)], "logit_bias": [.object([:])], "logprobs": [.bool(false)],
    "min_tokens": [.integer(0)], "mm_processor_kwargs": [.object([:])],
    "modalities": [.array([.string("text")])],
    "n": [.integer(1)], "presence_penalty": [.integer(0)], "reasoning_effort": [.string("none")],
    "repetition_penalty": [.integer(1)], "response_format": [.object(["type": .string("text")])],
    "stop_token_ids": [.array([])], "stream": [.bool(false)], "structured_outputs": [],
    "tool_choice": [.string("none"), .string("auto")], "tools": [.array([])],
    "top_k": [.integer(-1), .integer(0)], "top_logprobs": [.integer(0)], "typical_p": [.integer(1)],
    "use_beam_search": [.bool(false)], "verbosity": [.string("medium")], "web_search_options": [],
  ]

  static func check(_ body: JSONFields) throws(Rejection) {
    for name in body.names.sorted() {
      guard let allowed = neutral[name], let value = body[name], !allowed.contains(value.integral) else {
        continue
      }
      throw Rejection(
        .invalidParameters,
        "\(body.path(of: name)) = \(value.brief) would change the answer and is not supported")
    }
  }
}

extension JSONValue {
  /// `0.0` as `0`.
  fileprivate var integral: JSONValue {
    guard case .number(let number) = self, let integer = Int64(exactly: number) else { return self }
    return .integer(integer)
  }
}
