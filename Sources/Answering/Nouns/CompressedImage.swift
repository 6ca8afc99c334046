import TokenSampling

/// What survives vision-guided sampling: tokens and their places. The unit of caching.
public struct CompressedImage: Sendable {
  /// Vision features before the projector, `[tokens, channels]`, overview first, then the map in raster order.
  public var features: [Float]
  /// Width C of one token.
  public var channels: Int
  /// Where newline rows go: each value n puts one newline row after the n-th token (1-based), ascending.
  public var newlines: [Int]
  /// The feature map without padding, in tokens; 0×0 for a one-tile model.
  public var map: GridSize
  /// Tokens the vision tower made: the unpadded map and the overview.
  public var encodedTokens: Int

  public var tokenCount: Int { channels == 0 ? 0 : features.count / channels }

  public init(features: [Float], channels: Int, newlines: [Int], map: GridSize, encodedTokens: Int) {
    self.features = features
    self.channels = channels
    self.newlines = newlines
    self.map = map
    self.encodedTokens = encodedTokens
  }
}
