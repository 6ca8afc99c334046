extension GenerationParameters {
  /// Names of the parameters that a job or a question may set.
  package static let fieldNames = [
    "max_tokens", "temperature", "top_p", "min_p", "seed", "stop", "choices", "grammar", "logprobs", "system",
    "selection", "selection_ratio",
  ]

  /// Takes over the parameters that the fields name, each checked by itself. Throws the fields' own code, or
  /// `schema_violation` for a name that is none.
  mutating func override(with fields: JSONFields) throws(Rejection) {
    try fields.allow(only: Self.fieldNames)
    if let value = try fields.integer("max_tokens", in: 1...4096) { maxTokens = value }
    if let value = try fields.temperature() { temperature = value }
    if let value = try fields.topP() { topP = value }
    if let value = try fields.minP() { minP = value }
    if let value = try fields.integer("seed", in: 0...Int(UInt32.max)) { seed = UInt32(value) }
    if let value = try fields.texts("stop", count: 0...8) { stop = value }
    if let value = try fields.texts("choices", count: 2...256) { choices = value }
    if let value = try fields.grammar() { grammar = value }
    if let value = try fields.boolean("logprobs") { logprobs = value }
    if let value = try fields.text("system", length: 0...16384) { system = value }
    if let value = try fields.choice("selection", of: SelectionMode.self) { selection = value }
    let ratio: Double? = try fields.number("selection_ratio", allowed: "above 0 and at most 1") {
      $0 > 0 && $0 <= 1
    }
    if let ratio { selectionRatio = ratio }
  }

  /// Checks what a question's parameters say together, the job's and its own. `path` names the question.
  func checkTogether(at path: String) throws(Rejection) {
    guard choices == nil || grammar == nil else {
      throw Rejection(
        .invalidParameters,
        "\(path) has both choices and a grammar; an answer follows one of them (the job's parameters count, too)"
      )
    }
  }
}

extension JSONFields {
  package func temperature() throws(Rejection) -> Float? {
    try number("temperature", allowed: "from 0 to 2") { $0 >= 0 && $0 <= 2 }
  }

  package func topP() throws(Rejection) -> Float? {
    try number("top_p", allowed: "above 0 and at most 1") { $0 > 0 && $0 <= 1 }
  }

  package func minP() throws(Rejection) -> Float? {
    try number("min_p", allowed: "from 0 to 1") { $0 >= 0 && $0 <= 1 }
  }

  /// GBNF of at most 16 KiB that can be followed; whether the model has the tokens that it names, the model says.
  fileprivate func grammar() throws(Rejection) -> String? {
    guard let value = self["grammar"] else { return nil }
    guard case .string(let text) = value, !text.isEmpty else {
      throw bad("grammar", mustBe: "a grammar in GBNF")
    }
    guard text.utf8.count <= 16384 else {
      throw Rejection(reason, "\(path(of: "grammar")) has \(text.utf8.count) bytes; 16384 are allowed")
    }
    do throws(InvalidGrammar) {
      _ = try Grammar(text)
    } catch {
      throw Rejection(reason, "\(path(of: "grammar")) \(error)")
    }
    return text
  }
}
