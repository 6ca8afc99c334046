/// One question as it was answered and scored.
public struct Scored: Sendable, Equatable {
  /// Which image it is about; scores of one image belong together.
  public var image: Int
  /// What is asked for, where the dataset says; names a row of the report.
  public var kind: String?
  public var score: Double
  /// Whether "yes" is right, and whether it was said; of yes-no questions only.
  public var isYes: (right: Bool, said: Bool)?
  /// Visual tokens; nil where the question failed.
  public var tokens: Tokens?

  public struct Tokens: Sendable, Equatable {
    public var encoded: Int
    public var compressed: Int
    public var selected: Int

    public init(encoded: Int, compressed: Int, selected: Int) {
      self.encoded = encoded
      self.compressed = compressed
      self.selected = selected
    }
  }

  /// - Parameter answer: nil where the question failed, which counts as wrong.
  public init(
    image: Int, kind: String?, answer: String?, references: [String], metric: Metric, tokens: Tokens?
  ) {
    self.image = image
    self.kind = kind
    self.tokens = tokens
    score = answer.map { metric.score($0, references) } ?? 0
    if metric == .yesNo, let answer, let reference = references.first {
      isYes = (Metric.saysYes(reference), Metric.saysYes(answer))
    }
  }

  public static func == (left: Scored, right: Scored) -> Bool {
    left.image == right.image && left.kind == right.kind && left.score == right.score
      && left.tokens == right.tokens && left.isYes?.right == right.isYes?.right
      && left.isYes?.said == right.isYes?.said
  }
}
