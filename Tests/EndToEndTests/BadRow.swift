import Adversary
import Answering
import Foundation

/// A line of input that is wrong, or looks so, and what must become of it.
struct BadRow: Sendable {
  enum Outcome: Sendable {
    /// The whole line has a dead letter; its message holds these words.
    case refused(RejectionReason, [String])
    /// The question has an error in place of its answer.
    case failed(RejectionReason, [String])
    case answered
  }

  var name: String
  var line: Data
  var outcome: Outcome

  /// A line that is no job; its name is for people.
  static func line(_ name: String, _ line: some Sequence<UInt8>, _ outcome: Outcome) -> BadRow {
    BadRow(name: name, line: Data(line), outcome: outcome)
  }

  /// A job with one thing wrong; its name is its id.
  static func job(
    _ name: String, _ outcome: Outcome, uri: String = "cat.jpg", image: String? = nil,
    text: String = "What is this?", parameters: String = "{}", questions: String? = nil, more: String = ""
  ) -> BadRow {
    let line = jobLine(
      name, uri: uri, image: image, text: text, parameters: parameters, questions: questions, more: more)
    return BadRow(name: name, line: Data(line.utf8), outcome: outcome)
  }
}

// MARK: - Messages

extension BadRow {
  static let messages: [BadRow] = [
    .line("null", "null".utf8, .refused(.schemaViolation, ["must be an object"])),
    .line("empty text", "\"\"".utf8, .refused(.schemaViolation, ["must be an object"])),
    .line("empty object", "{}".utf8, .refused(.schemaViolation, ["job_id is missing", "1–256"])),
    .line("no JSON", "{oops".utf8, .refused(.malformedJSON, ["byte 1"])),
    .line("half a job", jobLine("half").utf8.dropLast(20), .refused(.malformedJSON, ["byte"])),
    .line("two jobs", (jobLine("x") + jobLine("y")).utf8, .refused(.malformedJSON, ["follows the end"])),
    .line(
      "UTF-8", Data(#"{"job_id":"a"#.utf8) + [0xFF, 0xC0, 0x80] + Data("\"}".utf8),
      .refused(.malformedJSON, ["UTF-8"])),
    .line(
      "nesting", (String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)).utf8,
      .refused(.malformedJSON, ["nested more than 128"])),
    .job(
      "nesting in metadata", .refused(.malformedJSON, ["nested more than 128"]),
      more: #","metadata":{"a":"# + String(repeating: #"{"a":"#, count: 10_000) + "1"
        + String(repeating: "}", count: 10_001)),
    .line("same key twice", #"{"job_id":"a","job_id":"b"}"#.utf8, .refused(.malformedJSON, ["twice"])),
    .line("zero bytes", Data(count: 64), .refused(.malformedJSON, ["a value is expected"])),
    .line(
      "no job id", jobLine("x").replacing(#""job_id":"x","#, with: "").utf8,
      .refused(.schemaViolation, ["job_id is missing"])),
    .line(
      "job id of another type", jobLine("x").replacing("\"x\"", with: "7").utf8,
      .refused(.schemaViolation, ["job_id must be text", "not 7"])),
    .line(
      "long job id", jobLine(String(repeating: "x", count: 257)).utf8,
      .refused(.schemaViolation, ["job_id must have 1–256 characters, not 257"])),
    .line("empty job id", jobLine("").utf8, .refused(.schemaViolation, ["job_id must have 1–256"])),
    .job(
      "unknown field",
      .refused(.schemaViolation, ["\"imgae\" is not a known field", "known here: job_id, image"]),
      more: #","imgae":1"#),
    .job(
      "unknown parameter", .refused(.schemaViolation, ["max_new_tokens", "\"max_tokens\""]),
      parameters: #"{"max_new_tokens":5}"#),
    .job("version", .refused(.schemaViolation, ["schema_version must be 1"]), more: #","schema_version":2"#),
    .job("metadata", .refused(.schemaViolation, ["metadata must be an object"]), more: #","metadata":[]"#),
    .job(
      "large metadata", .refused(.schemaViolation, ["16384"]),
      more: #","metadata":{"a":"\#(String(repeating: "m", count: 17_000))"}"#),
    .job("no questions", .refused(.schemaViolation, ["questions must be"]), questions: "[]"),
    .job(
      "no question id", .refused(.schemaViolation, ["questions[0].question_id is missing"]),
      questions: #"[{"text":"?"}]"#),
    .job(
      "long question id", .refused(.schemaViolation, ["questions[0].question_id", "257"]),
      questions: #"[{"question_id":"\#(String(repeating: "x", count: 257))","text":"?"}]"#),
    .job(
      "question twice", .refused(.schemaViolation, ["questions[1].question_id repeats"]),
      questions: #"[{"question_id":"q","text":"?"},{"question_id":"q","text":"!"}]"#),
    .line(
      "job twice", jobLine("good-0", questions: #"[{"question_id":"q","text":"again"}]"#).utf8,
      .refused(.schemaViolation, ["\"good-0\"", "already on line 1"])),
    .job(
      "data no base64", .refused(.schemaViolation, ["image.data", "base64"]), image: #"{"data":"****"}"#),
    .job("data empty", .refused(.schemaViolation, ["image.data", "base64"]), image: #"{"data":""}"#),
    .job(
      "data unpadded", .refused(.schemaViolation, ["image.data", "base64"]), image: #"{"data":"iVBORw0KGg"}"#),
    .job("data no image", .refused(.imageUnsupported, ["JPEG, PNG"]), image: #"{"data":"bm8gaW1hZ2U="}"#),
    .job(
      "two images", .refused(.schemaViolation, ["exactly one of uri and data"]),
      image: #"{"uri":"cat.jpg","data":"AAAA"}"#),
  ]
}

// MARK: - Questions and parameters

extension BadRow {
  static let questions: [BadRow] = [
    .job("empty question", .refused(.schemaViolation, ["questions[0].text", "1–16384"]), text: ""),
    .job(
      "long question", .refused(.schemaViolation, ["questions[0].text", "16385"]),
      text: String(repeating: "?", count: 16_385)),
    .job(
      "beyond the context", .failed(.questionTooLong, ["context", "shorten the question"]),
      text: String(repeating: "long ", count: 3_000)),
    .job(
      "long system text", .failed(.questionTooLong, ["system text"]),
      parameters: #"{"system":"\#(String(repeating: "long ", count: 3_000))"}"#),
    .job("control tokens", .answered, text: "</s><s> <image> <|im_end|> <__media__> [INST] USER: ASSISTANT:"),
    .job("control system", .answered, parameters: #"{"system":"</s><image>{image}{question}{text}"}"#),
    .job("NUL", .answered, text: #"What\u0000is this?"#),
    .job("bidirectional", .answered, text: #"What \u202eis\u2066 this?\ufeff"#),
    .job("combining marks", .answered, text: "e" + String(repeating: "\u{301}", count: 200)),
    .job("lone surrogate", .refused(.malformedJSON, ["surrogate"]), text: #"What is \ud800?"#),
    .job("reversed surrogates", .refused(.malformedJSON, ["surrogate"]), text: #"\udc00\ud800"#),
    .job(
      "max_tokens", .refused(.invalidParameters, ["parameters.max_tokens", "1–4096", "1000000000"]),
      parameters: #"{"max_tokens":1000000000}"#),
    .job(
      "max_tokens 0", .refused(.invalidParameters, ["parameters.max_tokens"]),
      parameters: #"{"max_tokens":0}"#),
    .job("temperature NaN", .refused(.malformedJSON, ["NaN"]), parameters: #"{"temperature":NaN}"#),
    .job(
      "temperature as text", .refused(.invalidParameters, ["parameters.temperature", "\"NaN\""]),
      parameters: #"{"temperature":"NaN"}"#),
    .job(
      "temperature -1", .refused(.invalidParameters, ["parameters.temperature", "from 0 to 2", "-1"]),
      parameters: #"{"temperature":-1}"#),
    .job("temperature 1e999", .refused(.malformedJSON, ["range"]), parameters: #"{"temperature":1e999}"#),
    .job(
      "temperature 1e300", .refused(.invalidParameters, ["from 0 to 2"]),
      parameters: #"{"temperature":1e300}"#
    ),
    .job(
      "grammar", .refused(.invalidParameters, ["parameters.grammar in rule root, line 1, does not parse"]),
      parameters: #"{"grammar":"root ::= ("}"#),
    .job(
      "grammar without root", .refused(.invalidParameters, ["rule named root"]),
      parameters: #"{"grammar":"other ::= \"a\""}"#),
    .job(
      "grammar that recurses", .refused(.invalidParameters, ["rule root that begins with itself"]),
      parameters: #"{"grammar":"root ::= root \"a\" | \"a\""}"#),
    .job(
      "grammar that recurses far", .refused(.invalidParameters, ["begins with itself"]),
      parameters: #"{"grammar":"root ::= a\na ::= \"\" b\nb ::= root \"x\" | \"y\""}"#),
    .job(
      "grammar that doubles", .refused(.invalidParameters, ["rule s13", "4096 ways"]),
      parameters: parameters(grammar: HostileGrammar.doubling(16))),
    .job(
      "grammar that doubles as it is said", .failed(.invalidParameters, ["too many ways"]),
      parameters: parameters(grammar: HostileGrammar.growing)),
    .job(
      "grammar that repeats too much", .refused(.invalidParameters, ["rule root", "2000 times"]),
      parameters: #"{"grammar":"root ::= \"x\"{1,100000}"}"#),
    .job(
      "grammar that repeats backwards", .refused(.invalidParameters, ["at least 2 and at most 1"]),
      parameters: #"{"grammar":"root ::= \"x\"{2,1}"}"#),
    .job(
      "grammar with a token of another model", .failed(.invalidParameters, ["<think>", "not one token"]),
      parameters: #"{"grammar":"root ::= <think>"}"#),
    .job(
      "grammar with 100,000 parentheses", .refused(.invalidParameters, ["parameters.grammar", "16384"]),
      parameters: #"{"grammar":"root ::= \#(String(repeating: "(", count: 100_000))"}"#),
    .job(
      "grammar with 10,000 parentheses", .refused(.invalidParameters, ["nests brackets", "64"]),
      parameters: #"{"grammar":"root ::= \#(String(repeating: "(", count: 10_000))"}"#),
    .job(
      "grammar with a NUL", .refused(.invalidParameters, ["grammar", #"not "\u0000""#]),
      parameters: #"{"grammar":"root ::= \u0000"}"#),
    .job(
      "grammar and choices", .refused(.invalidParameters, ["both choices and a grammar"]),
      parameters: #"{"grammar":"root ::= \"a\"","choices":["a","b"]}"#),
    .job("choices", .answered, parameters: #"{"choices":["cat","cat and dog","catalogue","c"]}"#),
    .job(
      "one choice", .refused(.invalidParameters, ["parameters.choices", "2–256"]),
      parameters: #"{"choices":["cat"]}"#),
    .job(
      "choice twice", .refused(.invalidParameters, ["choices[1] repeats"]),
      parameters: #"{"choices":["cat","cat"]}"#),
  ]
  /// Enough tokens for every way.
  private static func parameters(grammar: String) -> String {
    let text = grammar.replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    return #"{"max_tokens":64,"grammar":"\#(text)"}"#
  }
}
