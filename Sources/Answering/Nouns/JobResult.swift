/// The published record around one question's answer (`schemas/result.schema.json`), one for each question.
public struct JobResult: Sendable, Equatable {
  public var jobID: String
  public var questionID: String
  public var outcome: Result<Answer, Rejection>
  /// SHA-256 of the image's bytes, in hexadecimal.
  public var imageSHA256: String
  public var model: ModelIdentity
  /// nil where the question failed before its tokens were counted.
  public var visualTokens: TokenLedger?
  public var tokenCache: TokenCacheOutcome
  public var timings: StageTimings
  public var metadata: JSONValue?

  public init(
    jobID: String, questionID: String, outcome: Result<Answer, Rejection>, imageSHA256: String,
    model: ModelIdentity, visualTokens: TokenLedger?, tokenCache: TokenCacheOutcome, timings: StageTimings,
    metadata: JSONValue?
  ) {
    self.jobID = jobID
    self.questionID = questionID
    self.outcome = outcome
    self.imageSHA256 = imageSHA256
    self.model = model
    self.visualTokens = visualTokens
    self.tokenCache = tokenCache
    self.timings = timings
    self.metadata = metadata
  }
}

/// What the model said to one question.
public struct Answer: Sendable, Equatable {
  public var text: String
  public var finishReason: FinishReason
  public var promptTokens: Int
  public var completionTokens: Int
  /// Sum over the answer's tokens of the natural logarithm of each one's probability; only when asked for.
  public var logprob: Double?
  /// Each choice's probability, summing to 1, in the question's order; only with `choices`.
  public var choiceProbabilities: [ChoiceProbability]?

  public init(
    text: String, finishReason: FinishReason, promptTokens: Int, completionTokens: Int,
    logprob: Double? = nil, choiceProbabilities: [ChoiceProbability]? = nil
  ) {
    self.text = text
    self.finishReason = finishReason
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
    self.logprob = logprob
    self.choiceProbabilities = choiceProbabilities
  }
}

public struct ChoiceProbability: Sendable, Equatable {
  public var choice: String
  public var probability: Double

  public init(choice: String, probability: Double) {
    self.choice = choice
    self.probability = probability
  }
}

public enum FinishReason: String, Sendable, Codable, CaseIterable {
  case stop
  case length
}

/// Name and fingerprint of the model that answered; two runs with one fingerprint used the same weights.
public struct ModelIdentity: Sendable, Equatable, Codable {
  public var name: String
  /// SHA-256 over the digests of the model's files, in hexadecimal.
  public var fingerprint: String

  public init(name: String, fingerprint: String) {
    self.name = name
    self.fingerprint = fingerprint
  }
}

/// How many visual tokens were encoded, survived vision-guided sampling, and were selected for the question.
public struct TokenLedger: Sendable, Equatable {
  /// The unpadded map and the overview; newlines are counted nowhere.
  public var encoded: Int
  public var compressed: Int
  public var selected: Int
  /// Blocks of the map at each scale; empty where no sampler ran.
  public var scales: [Int: Int]
  public var selection: SelectionMode
  /// The selection layer; nil where nothing was selected.
  public var selectionLayer: Int?

  public init(
    encoded: Int, compressed: Int, selected: Int, scales: [Int: Int] = [:], selection: SelectionMode = .none,
    selectionLayer: Int? = nil
  ) {
    self.encoded = encoded
    self.compressed = compressed
    self.selected = selected
    self.scales = scales
    self.selection = selection
    self.selectionLayer = selectionLayer
  }
}

/// Whether the image's tokens were there already, so that the job ran no vision tower.
public enum TokenCacheOutcome: String, Sendable, Codable, CaseIterable {
  /// They came from the token store, or another job in flight on the image had just made them.
  case hit
  /// The job encoded the image: the store had no tokens of it, had damaged ones, or failed.
  case miss
  /// No token store is in use.
  case off
}

/// Wall-clock time spent in each stage for the job this answer belongs to, in milliseconds.
public struct StageTimings: Sendable, Equatable, Codable {
  public var fetch: Double
  public var vision: Double
  public var prefill: Double
  public var decode: Double

  public init(fetch: Double = 0, vision: Double = 0, prefill: Double = 0, decode: Double = 0) {
    self.fetch = fetch
    self.vision = vision
    self.prefill = prefill
    self.decode = decode
  }
}
