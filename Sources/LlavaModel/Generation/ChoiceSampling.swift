import Foundation

/// Draws one of a question's choices at a temperature.
enum ChoiceSampling {
  /// An index into `probabilities`; the same for the same `seed`.
  static func draw(_ probabilities: [Double], temperature: Float, seed: UInt32?) -> Int {
    let weights = probabilities.map { pow($0, 1 / Double(temperature)) }
    var point = uniform(seed) * weights.reduce(0, +)
    for (index, weight) in weights.enumerated() {
      point -= weight
      if point < 0 { return index }
    }
    return probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
  }

  /// In [0, 1): one step of SplitMix64 from `seed`.
  private static func uniform(_ seed: UInt32?) -> Double {
    guard let seed else { return .random(in: 0..<1) }
    var state = UInt64(seed) &+ 0x9E37_79B9_7F4A_7C15
    state = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    state = (state ^ (state >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((state ^ (state >> 31)) >> 11) / Double(1 << 53)
  }
}
