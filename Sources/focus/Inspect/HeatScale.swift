/// Spreads values over a colour map. A few tokens take most of the attention, so those above the 98th percentile
/// are all brightest: else they alone would be seen.
struct HeatScale: Equatable {
  let low: Float
  let high: Float

  init(_ values: [Float]) {
    let sorted = values.filter(\.isFinite).sorted()
    low = sorted.first ?? 0
    high = sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(0.98 * Double(sorted.count)))]
  }

  /// From 0 to 1; 0 where all values are the same.
  func share(of value: Float) -> Double {
    guard high > low, value.isFinite else { return 0 }
    return Double(max(0, min(1, (value - low) / (high - low))))
  }

  func color(of value: Float) -> Color { Viridis.color(at: share(of: value)) }
}
