/// Pools each block of an image's feature map as far as a router says (arXiv 2411.14228, "vision-guided sampler").
public struct VisionGuidedSampler: Sendable, Equatable {
  /// Side B of a block in tokens.
  public var blockSide: Int
  public var pooling: Pooling
  /// How far the overview is pooled where a local map stands beside it.
  public var overviewScale: Int
  /// Share of the encoded tokens to keep; nil leaves it to the router.
  public var budget: Double?
  /// What tells tokens' places; nil where the model was not trained with it.
  public var place: PlaceEmbedding?

  public init(
    blockSide: Int = 4, pooling: Pooling = .mean, overviewScale: Int = 2, budget: Double? = nil,
    place: PlaceEmbedding? = nil
  ) {
    self.blockSide = blockSide
    self.pooling = pooling
    self.overviewScale = overviewScale
    self.budget = budget
    self.place = place
  }

  public func blocks(of image: EncodedImage) -> BlockGrid {
    BlockGrid(map: image.sampled.size, side: blockSide)
  }

  /// Tokens of the sampled map that the budget leaves; nil without one.
  ///
  /// Always fewer than the map's: with every block fine the overview would come whole, however small the budget.
  public func limit(for image: EncodedImage) -> Int? {
    guard let budget, budget < 1 else { return nil }
    let kept = Int((budget * Double(image.tokenCount)).rounded(.down)) - overviewTokens(of: image)
    return max(0, min(kept, image.sampled.size.count - 1))
  }

  /// Whether the settings ask for every token as it is.
  public var keepsAll: Bool { (budget ?? 0) >= 1 }

  /// `scales` nil, or all fine, keeps the tokens as they are, row by row, as a model without a sampler sees them.
  public func compress(_ image: EncodedImage, by scales: ScaleMap?) -> SampledTokens {
    guard let scales, !scales.isPlain else { return plain(image, scales) }
    let map = image.sampled
    var tokens = image.hasOverviewTokens ? image.overview.pooled(scale: overviewScale, pooling) : []
    let overview = tokens.count / map.channels
    tokens.reserveCapacity(tokens.count + scales.tokenCount * map.channels)
    for index in 0..<scales.blocks.count {
      map.pool(
        scales.blocks.window(ofBlock: index), scale: Int(scales.scales[index]), pooling, onto: &tokens)
    }
    place?.add(
      places(
        overview: image.overview.size, hasOverviewTokens: image.hasOverviewTokens, map: map.size,
        scales: scales), to: &tokens)
    // An empty local map still ends its rows, as it does in transformers; they follow the overview.
    let ends =
      image.hasOverviewTokens
      ? scales.rowEnds : Array(repeating: scales.tokenCount, count: image.local.size.rows)
    return SampledTokens(
      features: tokens, overviewTokens: overview, newlines: image.isTiled ? ends.map { overview + $0 } : [],
      scales: scales)
  }

  private func plain(_ image: EncodedImage, _ scales: ScaleMap?) -> SampledTokens {
    let overview = image.overview.size.count
    let local = image.local.size
    return SampledTokens(
      features: image.overview.features + image.local.features,
      overviewTokens: image.hasOverviewTokens ? overview : 0,
      newlines: image.isTiled ? (0..<local.rows).map { overview + ($0 + 1) * local.columns } : [],
      scales: scales)
  }

  private func overviewTokens(of image: EncodedImage) -> Int {
    guard image.hasOverviewTokens else { return 0 }
    let size = image.overview.size
    return TokenWindow(columns: 0..<size.columns, rows: 0..<size.rows).size(scale: overviewScale).count
  }
}

/// What survives vision-guided sampling.
public struct SampledTokens: Sendable, Equatable {
  /// `[token, channel]`: the overview's tokens, then the sampled map's.
  public var features: [Float]
  /// Tokens of the overview that stand first.
  public var overviewTokens: Int
  /// Where newline rows go: each value n puts one after the n-th token (1-based), ascending.
  public var newlines: [Int]
  /// nil where no sampler ran.
  public var scales: ScaleMap?
}
