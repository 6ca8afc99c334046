import TokenSampling

/// What survives vision-guided sampling: tokens and their places. The unit of caching.
public struct CompressedImage: Sendable, Equatable {
  /// Vision features before the projector, `[token, channel]` in `type`: the overview's, then the sampled map's.
  public var tokens: [UInt8]
  public var type: TokenType
  /// Width C of one token.
  public var channels: Int
  /// Tokens of the overview that stand first; 0 where the overview itself is the sampled map.
  public var overviewTokens: Int
  /// Where newline rows go: each value n puts one newline row after the n-th token (1-based), ascending.
  public var newlines: [Int]
  /// The sampled map's size before sampling, in tokens.
  public var map: GridSize
  /// How far each block was pooled; nil where no sampler ran.
  public var scales: ScaleMap?
  /// Tokens the vision tower made: the unpadded map and the overview.
  public var encodedTokens: Int

  public var tokenCount: Int { tokens.count / max(1, type.bytes(channels: channels)) }

  public init(
    tokens: [UInt8], type: TokenType, channels: Int, overviewTokens: Int, newlines: [Int], map: GridSize,
    scales: ScaleMap?, encodedTokens: Int
  ) {
    self.tokens = tokens
    self.type = type
    self.channels = channels
    self.overviewTokens = overviewTokens
    self.newlines = newlines
    self.map = map
    self.scales = scales
    self.encodedTokens = encodedTokens
  }
}

/// The element type that tokens are kept in, in memory and in the store alike, so that an answer never depends on
/// where its tokens came from.
public enum TokenType: String, Sendable, CaseIterable {
  case f32
  case f16
  /// Blocks of 32 values with one F16 scale, as ggml's Q8_0.
  case q8 = "q8_0"

  /// Bytes of one token.
  public func bytes(channels: Int) -> Int {
    switch self {
    case .f32: 4 * channels
    case .f16: 2 * channels
    case .q8: (channels + 31) / 32 * 34
    }
  }

  /// Whether tokens of this width can be kept in the type.
  public func holds(channels: Int) -> Bool { self != .q8 || channels % 32 == 0 }
}
