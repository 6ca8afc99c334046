/// Turns a learned router's logits into scales.
public enum LogitRouting {
  /// Share of a block's tokens left at each scale.
  private static let costs = ScaleMap.scales.map { 1 / Double($0 * $0) }

  /// `logits` is `[block, scale]`, finest scale first. Without a limit the greatest logit decides; with one, a bias
  /// against each scale's cost is searched that is just great enough. Ties go to the finer scale.
  public static func scaleMap(_ logits: [Float], blocks: BlockGrid, limit: Int?) -> ScaleMap {
    func map(_ bias: Double) -> ScaleMap {
      ScaleMap(blocks: blocks) { block in
        var best = 0
        var greatest = -Double.infinity
        for (index, cost) in costs.enumerated() {
          let logit = Double(logits[block * costs.count + index]) - bias * cost
          if logit > greatest { (best, greatest) = (index, logit) }
        }
        return best
      }
    }
    guard let limit else { return map(0) }
    let reach = 1e6
    var fits = 1.0
    while map(fits).tokenCount > limit {
      fits *= 2
      if fits > reach { return ScaleMap(blocks: blocks) { _ in costs.count - 1 } }
    }
    var over = -1.0
    while map(over).tokenCount <= limit {
      (fits, over) = (over, over * 2)
      if over < -reach { return map(fits) }
    }
    for _ in 0..<60 {
      let middle = (over + fits) / 2
      if map(middle).tokenCount <= limit { fits = middle } else { over = middle }
    }
    return map(fits)
  }
}
