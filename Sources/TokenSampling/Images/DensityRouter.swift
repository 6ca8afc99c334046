/// Routes blocks by how alike their tokens are; needs no trained weights (METHOD: "density").
///
/// A block is coarse where all its tokens point the way of their mean, medium where those of each quarter do, fine
/// elsewhere. The threshold is the strictest that meets the budget.
public enum DensityRouter {
  /// The least cosine similarity of a block's tokens with their mean.
  public struct Likeness: Sendable, Equatable {
    /// Within the whole block.
    public var block: Float
    /// Within each of its quarters.
    public var quarters: Float
  }

  public static func likeness(of map: FeatureMap, blocks: BlockGrid) -> [Likeness] {
    (0..<blocks.count).map { index in
      let window = blocks.window(ofBlock: index)
      return Likeness(
        block: likeness(of: map, in: window),
        quarters: window.parts(scale: max(1, blocks.side / 2)).map { likeness(of: map, in: $0) }.min() ?? 1)
    }
  }

  /// The finest map of at most `limit` tokens; all coarse where none has so few.
  public static func scaleMap(_ likeness: [Likeness], blocks: BlockGrid, limit: Int) -> ScaleMap {
    let thresholds = Set(likeness.flatMap { [$0.block, $0.quarters] }).sorted(by: >)
    func map(_ threshold: Float) -> ScaleMap {
      ScaleMap(blocks: blocks) { index in
        likeness[index].block >= threshold ? 2 : likeness[index].quarters >= threshold ? 1 : 0
      }
    }
    let plain = map(.infinity)
    if plain.tokenCount <= limit { return plain }
    // The lower the threshold, the fewer tokens: the first that fits is found by halving.
    var (over, fits) = (-1, thresholds.count)
    while fits - over > 1 {
      let middle = (over + fits) / 2
      if map(thresholds[middle]).tokenCount <= limit { fits = middle } else { over = middle }
    }
    return fits < thresholds.count ? map(thresholds[fits]) : map(-.infinity)
  }

  private static func likeness(of map: FeatureMap, in window: TokenWindow) -> Float {
    let mean = map.pooled(window, .mean)
    let length = norm(mean[...])
    var least: Float = 1
    for row in window.rows {
      for column in window.columns {
        let start = (row * map.size.columns + column) * map.channels
        let token = map.features[start..<start + map.channels]
        let product = norm(token) * length
        guard product > 0 else { continue }
        var sum: Float = 0
        for channel in 0..<map.channels { sum += token[start + channel] * mean[channel] }
        least = min(least, sum / product)
      }
    }
    return least
  }

  private static func norm(_ token: ArraySlice<Float>) -> Float {
    var sum: Float = 0
    for value in token { sum += value * value }
    return sum.squareRoot()
  }
}
