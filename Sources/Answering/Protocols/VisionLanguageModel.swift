/// Encodes images and answers questions about them.
public protocol VisionLanguageModel: Sendable {
  var identity: ModelIdentity { get }
  var tilingRules: TilingRules { get }

  /// Names all that decides, beside the image's bytes, what its tokens are: weights, sampler, settings, types.
  func tokenRecipe(_ compression: Compression) -> String

  /// Runs the vision tower and the vision-guided sampler once for the image.
  func compress(_ image: TiledImage, _ compression: Compression) async throws -> CompressionReply

  /// Whether a stored image's tokens are some that this model can read: a store may be written by others.
  func accepts(_ image: CompressedImage) -> Bool

  /// Answers the questions over one shared prefix. One reply for each question, in order; a question that
  /// fails does not touch its neighbours.
  ///
  /// - Parameter key: the image's, by which the model may keep the prefix for later questions.
  func answer(_ questions: [Question], about image: CompressedImage, key: TokenKey) async throws -> [Reply]
}

extension VisionLanguageModel {
  public func accepts(_ image: CompressedImage) -> Bool { true }
}

/// What the model returns for one image.
public struct CompressionReply: Sendable {
  public var image: CompressedImage
  /// Milliseconds of computing, without waiting for others' work.
  public var milliseconds: Double

  public init(image: CompressedImage, milliseconds: Double = 0) {
    self.image = image
    self.milliseconds = milliseconds
  }
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
