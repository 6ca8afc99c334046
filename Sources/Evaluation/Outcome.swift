import Foundation

/// What came out of one setting.
public struct Outcome: Sendable, Codable {
  public var setting: String
  /// The setting's values by name, for plots and for programs.
  public var values: [String: String]
  public var questions: Int
  /// Questions that got no answer; they count as wrong.
  public var failed: Int
  public var accuracy: Estimate
  /// By kind of question, where the dataset has kinds.
  public var kinds: [String: Estimate]
  /// The mean of the kinds' accuracies, each counting the same; nil without kinds.
  public var meanOfKinds: Double?
  /// Against the first setting or an earlier evaluation, on the same questions; nil for a first that stands alone.
  public var difference: Estimate?
  public var yesNo: YesNo?
  /// Means over the questions.
  public var tokens: MeanTokens
  /// Wall-clock seconds for all questions, and the model's own for the parts.
  public var seconds: Seconds
  /// Each image's share of blocks at each scale; empty where nothing was compressed.
  public var scaleShares: [[Int: Double]]
  /// nil where nothing was compressed.
  public var scaleEntropy: ScaleEntropy?

  public struct MeanTokens: Sendable, Codable, Equatable {
    public var encoded: Double
    public var compressed: Double
    public var selected: Double
  }

  public struct Seconds: Sendable, Codable, Equatable {
    public var total: Double
    public var vision: Double
    public var prefill: Double
    public var decode: Double

    public init(total: Double, vision: Double, prefill: Double, decode: Double) {
      self.total = total
      self.vision = vision
      self.prefill = prefill
      self.decode = decode
    }
  }

  /// Whether scales differ, in bits: a router that is uniform pooling in disguise has 0 in both.
  public struct ScaleEntropy: Sendable, Codable, Equatable {
    /// Of an image's shares of scales, mean of the images.
    public var within: Double
    /// What an image's shares tell of which image it is: the entropy of all images' shares together less `within`.
    public var between: Double

    init?(_ shares: [[Int: Double]]) {
      guard !shares.isEmpty else { return nil }
      let count = Double(shares.count)
      let together = shares.reduce(into: [Int: Double]()) { sum, image in
        sum.merge(image.mapValues { $0 / count }) { $0 + $1 }
      }
      within = shares.reduce(0) { $0 + Self.entropy($1) } / count
      between = max(0, Self.entropy(together) - within)
    }

    private static func entropy(_ shares: [Int: Double]) -> Double {
      shares.values.reduce(0) { $1 > 0 ? $0 - $1 * log2($1) : $0 }
    }
  }

  /// POPE's figures.
  public struct YesNo: Sendable, Codable, Equatable {
    public var precision: Double
    public var recall: Double
    public var f1: Double
    /// Share of answers that say yes.
    public var yesRatio: Double

    init?(_ answers: [(right: Bool, said: Bool)]) {
      guard !answers.isEmpty else { return nil }
      let said = Double(answers.count { $0.said })
      let right = Double(answers.count { $0.right })
      let both = Double(answers.count { $0.right && $0.said })
      precision = said == 0 ? 0 : both / said
      recall = right == 0 ? 0 : both / right
      f1 = precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)
      yesRatio = said / Double(answers.count)
    }
  }

  /// - Parameters:
  ///   - scored: one or more questions, in the dataset's order.
  ///   - first: what it differs from, of the same questions.
  public init?(
    setting: String, values: [String: String], scored: [Scored], first: [Scored]?, seconds: Seconds,
    scaleShares: [[Int: Double]]
  ) {
    guard let accuracy = Estimate(clusters: scored.byImage(\.score)) else { return nil }
    self.setting = setting
    self.values = values
    self.accuracy = accuracy
    self.seconds = seconds
    self.scaleShares = scaleShares
    scaleEntropy = ScaleEntropy(scaleShares)
    questions = scored.count
    failed = scored.count { $0.tokens == nil }
    let groups = Dictionary(grouping: scored.filter { $0.kind != nil }) { $0.kind ?? "" }
    kinds = groups.compactMapValues { Estimate(clusters: $0.byImage(\.score)) }
    meanOfKinds = kinds.isEmpty ? nil : kinds.values.reduce(0) { $0 + $1.mean } / Double(kinds.count)
    if let first, first.count == scored.count {
      let differences = zip(scored, first).map { (image: $0.image, score: $0.score - $1.score) }
      difference = Estimate(
        clusters: Dictionary(grouping: differences, by: \.image).sorted { $0.key < $1.key }
          .map { $0.value.map(\.score) })
    }
    yesNo = YesNo(scored.compactMap(\.isYes))
    let tokens = scored.compactMap(\.tokens)
    func mean(_ value: (Scored.Tokens) -> Int) -> Double {
      tokens.isEmpty ? 0 : tokens.reduce(0) { $0 + Double(value($1)) } / Double(tokens.count)
    }
    self.tokens = MeanTokens(
      encoded: mean(\.encoded), compressed: mean(\.compressed), selected: mean(\.selected))
  }
}

extension [Scored] {
  fileprivate func byImage(_ value: (Scored) -> Double) -> [[Double]] {
    Dictionary(grouping: self, by: \.image).sorted { $0.key < $1.key }.map { $0.value.map(value) }
  }
}
