import Answering
import TokenSampling

/// A model that answers every question with the question, and encodes every image to one token.
public struct StubModel: VisionLanguageModel {
  public static let recipe = "stub"

  public let identity = ModelIdentity(name: "stub", fingerprint: "0")
  public let tilingRules = TilingRules(tileSize: 1, patchSize: 1)
  private let work: @Sendable ([Question]) async throws -> Void
  private let encoding: @Sendable () async throws -> Void

  /// - Parameters:
  ///   - work: done before each answer.
  ///   - encoding: done before each image's token.
  public init(
    work: @escaping @Sendable ([Question]) async throws -> Void = { _ in },
    encoding: @escaping @Sendable () async throws -> Void = {}
  ) {
    self.work = work
    self.encoding = encoding
  }

  public func tokenRecipe(_ compression: Compression) -> String { Self.recipe }

  public func compress(_ image: TiledImage, _ compression: Compression) async throws -> CompressionReply {
    try await encoding()
    return CompressionReply(
      image: CompressedImage(
        tokens: [0, 0, 0, 0], type: .f32, channels: 1, overviewTokens: 0, newlines: [],
        map: GridSize(columns: 1, rows: 1), scales: nil, encodedTokens: 1))
  }

  public func answer(
    _ questions: [Question], about image: CompressedImage, key: TokenKey
  ) async throws -> [Reply] {
    try await work(questions)
    return questions.map { question in
      Reply(
        outcome: .success(
          Answer(text: question.text, finishReason: .stop, promptTokens: 10, completionTokens: 2)),
        visualTokens: TokenLedger(encoded: 1, compressed: 1, selected: 1))
    }
  }
}
