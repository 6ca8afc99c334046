/// How many of an image's tokens the text-guided sampler keeps for a question.
public enum SelectionAmount: Sendable, Equatable, Hashable {
  /// The top share of the tokens by count.
  case ratio(Double)
  /// The fewest tokens that hold this share of the summed importance.
  case cumulative(Double)

  public var keepsAll: Bool {
    switch self {
    case .ratio(let share), .cumulative(let share): share >= 1
    }
  }

  /// Tokens kept of `count` at most.
  public func most(of count: Int) -> Int {
    switch self {
    case .ratio(let ratio): min(count, max(1, Int((ratio * Double(count)).rounded(.up))))
    case .cumulative: count
    }
  }
}

/// Chooses the visual tokens that matter for a question (arXiv 2411.14228, "text-guided sampler").
public enum TokenSelection {
  /// Indices of the kept tokens, ascending. Ties go to the earlier token. `importance` may have any scale.
  public static func kept(_ importance: [Float], _ amount: SelectionAmount) -> [Int] {
    guard !importance.isEmpty else { return [] }
    let order = importance.indices.sorted {
      importance[$0] == importance[$1] ? $0 < $1 : importance[$0] > importance[$1]
    }
    let count: Int
    switch amount {
    case .ratio: count = amount.most(of: importance.count)
    case .cumulative(let share):
      let wanted = share * importance.reduce(0) { $0 + Double($1) }
      var sum = 0.0
      count =
        1
        + (order.dropLast().firstIndex { index in
          sum += Double(importance[index])
          return sum >= wanted
        } ?? order.count - 1)
    }
    return order.prefix(count).sorted()
  }

  /// Importance by chance, the same for the same seed (SplitMix64): what a selection is compared with.
  public static func chance(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state &+= 0x9E37_79B9_7F4A_7C15
      var bits = state
      bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
      bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
      return Float((bits ^ (bits >> 31)) >> 40) / Float(1 << 24)
    }
  }
}
