/// Visual tokens in their 2-D places: `[row, column, channel]`, a token's channels side by side.
public struct FeatureMap: Sendable, Equatable {
  public var features: [Float]
  public var size: GridSize
  /// Width C of one token.
  public var channels: Int

  /// `features` must hold `size.count * channels` values.
  public init(features: [Float], size: GridSize, channels: Int) {
    precondition(
      features.count == size.count * channels, "a feature map has a value for each channel of each token")
    self.features = features
    self.size = size
    self.channels = channels
  }
}

/// What the vision tower made of an image.
public struct EncodedImage: Sendable, Equatable {
  /// The whole image in one tile.
  public var overview: FeatureMap
  /// The tiles' stitched map without padding; 0 tokens for a one-tile model, or an image too thin to leave one.
  public var local: FeatureMap
  /// Whether the model ends each row of a stitched map with a newline row.
  public var isTiled: Bool

  public init(overview: FeatureMap, local: FeatureMap, isTiled: Bool) {
    self.overview = overview
    self.local = local
    self.isTiled = isTiled
  }

  /// Visual tokens of both; newlines are counted nowhere.
  public var tokenCount: Int { overview.size.count + local.size.count }

  /// The map that is sampled: the local one, or the overview where there is none.
  public var sampled: FeatureMap { local.size.count > 0 ? local : overview }

  /// Whether the overview stands before the sampled map as tokens of its own.
  public var hasOverviewTokens: Bool { local.size.count > 0 }
}
