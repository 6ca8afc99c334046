/// Encodes images and answers questions about them.
public protocol VisionLanguageModel: Sendable {
  var identity: ModelIdentity { get }
  var tilingRules: TilingRules { get }

  /// Runs the vision tower once for the image.
  func encode(_ image: TiledImage) async throws -> CompressedImage

  /// Answers the questions over one shared prefix. One reply for each question, in order; a question that
  /// fails does not touch its neighbours.
  func answer(_ questions: [Question], about image: CompressedImage) async throws -> [Reply]
}

/// What the model returns for one question.
public struct Reply: Sendable {
  public var outcome: Result<Answer, Rejection>
  public var visualTokens: TokenLedger?
  /// Milliseconds spent computing the prefix and this question's prompt.
  public var prefillMilliseconds: Double
  /// Milliseconds from the first answer token to the last.
  public var decodeMilliseconds: Double

  public init(
    outcome: Result<Answer, Rejection>, visualTokens: TokenLedger?, prefillMilliseconds: Double = 0,
    decodeMilliseconds: Double = 0
  ) {
    self.outcome = outcome
    self.visualTokens = visualTokens
    self.prefillMilliseconds = prefillMilliseconds
    self.decodeMilliseconds = decodeMilliseconds
  }
}
