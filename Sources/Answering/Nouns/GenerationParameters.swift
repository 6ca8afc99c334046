/// How an answer is generated. Absent values mean the model's plain behaviour (greedy, no constraint).
public struct GenerationParameters: Sendable, Equatable {
  /// At most this many answer tokens, 1–4096.
  public var maxTokens = 128
  /// 0 is greedy; up to 2.
  public var temperature: Float = 0
  /// Nucleus sampling: keep the smallest set of tokens with this share of probability, in (0, 1].
  public var topP: Float?
  /// Drop tokens less probable than this share of the most probable one, in [0, 1].
  public var minP: Float?
  /// Makes sampling at a temperature repeatable.
  public var seed: UInt32?
  /// The answer ends before the first of these (at most 8).
  public var stop: [String] = []
  /// The answer is one of these 2–256 strings.
  public var choices: [String]?
  /// GBNF grammar that the answer follows, at most 16 KiB with brackets at most 64 deep.
  public var grammar: String?
  /// Report the sum of the answer's token log-probabilities.
  public var logprobs = false
  /// System text before the image; nil means the prompt's own.
  public var system: String?
  /// How the text-guided sampler runs; nil means the worker's setting.
  public var selection: SelectionMode?
  /// Share of the image's tokens kept for this question, in (0, 1]; nil means the worker's setting.
  public var selectionRatio: Double?

  public init() {}
}

/// How the text-guided sampler drops tokens above the selection layer.
public enum SelectionMode: String, Sendable, Codable, CaseIterable {
  /// *prune* for a job with one question, *shared* for more.
  case auto
  case prune
  case shared
  case none

  /// `auto` decided for a job of so many questions: *prune* costs each question its own upper layers, *shared* costs
  /// the image all layers once. A property of the job, never of the batch.
  public func resolved(questions: Int) -> SelectionMode {
    self == .auto ? (questions == 1 ? .prune : .shared) : self
  }
}
