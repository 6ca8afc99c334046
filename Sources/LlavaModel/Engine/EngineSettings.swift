import Answering
import TokenSampling

/// How a model is run. The defaults are what a user with one machine wants.
public struct EngineSettings: Sendable, Equatable {
  public var device = DeviceChoice.auto
  /// CPU threads for computing; nil takes all cores.
  public var threads: Int?
  public var visionType = VisionType.auto
  /// Element type that compressed images are kept in.
  public var tokenType = TokenType.f16
  /// Share of an image's tokens that vision-guided sampling keeps, in (0, 1]; nil takes the sampler file's, else
  /// the router's own choice, or `densityBudget` without trained weights.
  public var visualBudget: Double?
  /// nil takes the sampler file's, else the density router.
  public var router: RouterChoice?
  /// The layer whose attention decides what a question keeps, from 1; nil takes the sampler file's, else a quarter of
  /// the model's layers.
  public var selectionLayer: Int?
  /// What a question keeps that doesn't say; nil takes the sampler file's ratio, else one half.
  public var selectionAmount: SelectionAmount?
  /// nil takes the sampler file's, else the mean.
  public var importanceHeads: HeadReduction?
  /// What tells how much a question wants a token.
  public var importance = ImportanceSource.question
  /// nil takes the prompt that fits the model file.
  public var prompt: PromptTemplate?
  /// Key/value cells, one for each row of every group in flight; nil fits the model and the machine.
  public var contextCells: Int?
  /// Rows computed together at most.
  public var stepRows = 1024
  /// Whether the CPU keeps Q4_K weights interleaved and not mapped: few answers at a time are decoded faster, more
  /// than 24 slower.
  public var repacks = true

  public init() {}

  /// The budget of the density router where nothing else is said: the paper's share of LLaVA-NeXT's tokens.
  public static let densityBudget = 0.39
}

/// What decides how far each block of an image is pooled.
public enum RouterChoice: String, Sendable, CaseIterable {
  case learned
  case density
  /// Blocks' places alone: for comparison.
  case uniform
}

/// What tells how much a question wants a token. All but the first are for comparison.
public enum ImportanceSource: String, Sendable, CaseIterable {
  /// Attention from the user's question.
  case question
  /// Attention from the prompt's last token, as FastV has it.
  case lastToken = "last-token"
  /// Chance, the same for the same prompt.
  case random
}

/// How a token's importance comes from the heads'.
public enum HeadReduction: String, Sendable, CaseIterable {
  case mean
  case max
}

/// What the engine has done since it started; answers the question whether work was shared.
public struct EngineCounters: Sendable, Equatable {
  /// Tiles that went through the vision tower, and the images they were of.
  public var tilesEncoded = 0
  public var imagesEncoded = 0
  /// Rows of shared prefixes computed, and the groups they belong to.
  public var prefixRows = 0
  public var groups = 0
  /// Rows of prefixes that questions computed again above the selection layer.
  public var ownPrefixRows = 0
  /// Rows of questions' own prompts and choices.
  public var promptRows = 0
  /// Generated tokens fed back.
  public var answerRows = 0
  public var steps = 0
}
