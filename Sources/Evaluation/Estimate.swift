/// A mean with its 95 % interval.
public struct Estimate: Sendable, Equatable, Codable {
  public var mean: Double
  public var low: Double
  public var high: Double

  /// The mean of scores that come in clusters: questions on one image are no independent samples, so whole images are
  /// drawn again and again (bootstrap, percentiles of 2,000 draws, always the same ones). nil without scores.
  ///
  /// - Parameter clusters: each image's scores.
  public init?(clusters: [[Double]]) {
    let clusters = clusters.filter { !$0.isEmpty }
    let sums = clusters.map { (sum: $0.reduce(0, +), count: Double($0.count)) }
    let count = sums.reduce(0) { $0 + $1.count }
    guard count > 0 else { return nil }
    mean = sums.reduce(0) { $0 + $1.sum } / count
    var random = Draws(state: 0)
    let means = (0..<Self.draws).map { _ in
      var (sum, count) = (0.0, 0.0)
      for _ in sums.indices {
        let drawn = sums[random.below(sums.count)]
        sum += drawn.sum
        count += drawn.count
      }
      return sum / count
    }.sorted()
    low = means[Self.draws / 40]
    high = means[Self.draws - 1 - Self.draws / 40]
  }

  private static let draws = 2000
}

/// SplitMix64, so that an interval is the same wherever it is computed.
struct Draws {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  mutating func below(_ limit: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(limit)).high) }
}
