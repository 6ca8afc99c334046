import Foundation

extension JobResult {
  /// Reads a result record back. Throws `malformed_json` or `schema_violation`.
  ///
  /// `choiceProbabilities` come back the most probable first: JSON objects have no order.
  public init(json record: Data) throws(Rejection) {
    let root = try JSONFields(JSONValue(parsing: record))
    self.init(
      jobID: try root.requiredText("job_id"), questionID: try root.requiredText("question_id"),
      outcome: try root.outcome(), imageSHA256: try root.requiredText("image_sha256"),
      model: try root.model(), visualTokens: try root.ledger(),
      tokenCache: try root.requiredChoice("token_cache", of: TokenCacheOutcome.self),
      timings: try root.timings(), metadata: root["metadata"])
  }
}

extension JSONFields {
  package func requiredText(_ name: String) throws(Rejection) -> String {
    guard case .string(let text) = self[name] else { throw bad(name, mustBe: "text") }
    return text
  }

  package func requiredInteger(_ name: String) throws(Rejection) -> Int {
    guard let value = try integer(name, in: Int.min...Int.max) else { throw bad(name, mustBe: "an integer") }
    return value
  }

  fileprivate func requiredChoice<Value: RawRepresentable<String> & CaseIterable>(
    _ name: String, of type: Value.Type
  ) throws(Rejection) -> Value {
    guard let value = try choice(name, of: type) else { throw bad(name, mustBe: "given") }
    return value
  }

  package func object(_ name: String) throws(Rejection) -> JSONFields? {
    guard let value = self[name] else { return nil }
    return try JSONFields(value, at: path(of: name), reason: reason)
  }

  private func requiredObject(_ name: String) throws(Rejection) -> JSONFields {
    guard let fields = try object(name) else { throw bad(name, mustBe: "an object") }
    return fields
  }

  /// A number at full precision.
  private func double(_ name: String) throws(Rejection) -> Double? {
    switch self[name] {
    case nil: return nil
    case .integer(let value): return Double(value)
    case .number(let value): return value
    default: throw bad(name, mustBe: "a number")
    }
  }

  fileprivate func outcome() throws(Rejection) -> Result<Answer, Rejection> {
    if let error = try object("error") {
      let reason = try error.requiredChoice("code", of: RejectionReason.self)
      return .failure(Rejection(reason, try error.requiredText("message")))
    }
    let usage = try requiredObject("usage")
    return .success(
      Answer(
        text: try requiredText("answer"),
        finishReason: try requiredChoice("finish_reason", of: FinishReason.self),
        promptTokens: try usage.requiredInteger("prompt_tokens"),
        completionTokens: try usage.requiredInteger("completion_tokens"),
        logprob: try double("answer_logprob"), choiceProbabilities: try choiceProbabilities()))
  }

  private func choiceProbabilities() throws(Rejection) -> [ChoiceProbability]? {
    guard let fields = try object("choice_probabilities") else { return nil }
    var choices: [ChoiceProbability] = []
    for name in fields.names {
      choices.append(ChoiceProbability(choice: name, probability: try fields.double(name) ?? .nan))
    }
    return choices.sorted { ($1.probability, $0.choice) < ($0.probability, $1.choice) }
  }

  fileprivate func model() throws(Rejection) -> ModelIdentity {
    let fields = try requiredObject("model")
    return ModelIdentity(
      name: try fields.requiredText("name"), fingerprint: try fields.requiredText("fingerprint"))
  }

  fileprivate func ledger() throws(Rejection) -> TokenLedger? {
    guard let fields = try object("visual_tokens") else { return nil }
    var scales: [Int: Int] = [:]
    if let blocks = try fields.object("scales") {
      for name in blocks.names {
        guard let scale = Int(name) else { throw blocks.bad(name, mustBe: "named by a scale") }
        scales[scale] = try blocks.requiredInteger(name)
      }
    }
    return TokenLedger(
      encoded: try fields.requiredInteger("encoded"), compressed: try fields.requiredInteger("compressed"),
      selected: try fields.requiredInteger("selected"), scales: scales,
      selection: try fields.requiredChoice("selection", of: SelectionMode.self),
      selectionLayer: try fields.integer("selection_layer", in: 0...Int.max))
  }

  fileprivate func timings() throws(Rejection) -> StageTimings {
    let fields = try requiredObject("timings_ms")
    return StageTimings(
      fetch: try fields.double("fetch") ?? 0, vision: try fields.double("vision") ?? 0,
      prefill: try fields.double("prefill") ?? 0, decode: try fields.double("decode") ?? 0)
  }
}
