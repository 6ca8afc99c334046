/// Routes blocks by how alike their tokens are; needs no trained weights.
///
/// A block is coarse where all its tokens point the way of the mean that they would be pooled to in windows of 4 × 4,
/// medium where they do in windows of 2 × 2, fine elsewhere. The threshold is the strictest that meets the budget.
public enum DensityRouter {
  /// The least cosine similarity of a block's tokens with their windows' means.
  public struct Likeness: Sendable, Equatable {
    /// In windows of 4 × 4.
    public var coarse: Float
    /// In windows of 2 × 2.
    public var medium: Float
  }

  public static func likeness(of map: FeatureMap, blocks: BlockGrid) -> [Likeness] {
    (0..<blocks.count).map { index in
      let block = blocks.window(ofBlock: index)
      func least(_ scale: Int) -> Float {
        block.parts(scale: scale).map { likeness(of: map, in: $0) }.min() ?? 1
      }
      return Likeness(coarse: least(ScaleMap.scales[2]), medium: least(ScaleMap.scales[1]))
    }
  }

  /// The finest map of at most `limit` tokens; all coarse where none has so few.
  public static func scaleMap(_ likeness: [Likeness], blocks: BlockGrid, limit: Int) -> ScaleMap {
    let thresholds = Set(likeness.flatMap { [$0.coarse, $0.medium] }).sorted(by: >)
    func map(_ threshold: Float) -> ScaleMap {
      ScaleMap(blocks: blocks) { index in
        likeness[index].coarse >= threshold ? 2 : likeness[index].medium >= threshold ? 1 : 0
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

  /// Summed in double precision, so that equal tokens are exactly alike.
  private static func likeness(of map: FeatureMap, in window: TokenWindow) -> Float {
    let starts = window.rows.flatMap { row in
      window.columns.map { (row * map.size.columns + $0) * map.channels }
    }
    return map.features.withUnsafeBufferPointer { features in
      var mean = [Double](repeating: 0, count: map.channels)
      for start in starts {
        for channel in 0..<map.channels { mean[channel] += Double(features[start + channel]) }
      }
      for channel in mean.indices { mean[channel] /= Double(starts.count) }
      let length = mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
      var least = 1.0
      for start in starts {
        var (product, square) = (0.0, 0.0)
        for channel in 0..<map.channels {
          let value = Double(features[start + channel])
          product += value * mean[channel]
          square += value * value
        }
        let lengths = square.squareRoot() * length
        if lengths > 0 { least = min(least, product / lengths) }
      }
      return Float(least)
    }
  }
}
