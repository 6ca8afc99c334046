/// Routes blocks by their places alone: what any router is compared with.
public enum UniformRouter {
  /// Two neighbouring scales, the finer one spread evenly over the image as often as `limit` tokens allow; all coarse
  /// where none has so few.
  public static func scaleMap(blocks: BlockGrid, limit: Int) -> ScaleMap {
    let coarsest = ScaleMap.scales.count - 1
    let base =
      ScaleMap.scales.indices.first { index in
        ScaleMap(blocks: blocks) { _ in index }.tokenCount <= limit
      } ?? coarsest
    guard base > 0 else { return ScaleMap(blocks: blocks) { _ in 0 } }
    func map(_ finer: Int) -> ScaleMap {
      // Every block count/finer-th block: the whole part of index · finer / count rises there.
      ScaleMap(blocks: blocks) { index in
        (index + 1) * finer / blocks.count > index * finer / blocks.count ? base - 1 : base
      }
    }
    var (fits, over) = (0, blocks.count + 1)
    while over - fits > 1 {
      let middle = (fits + over) / 2
      if map(middle).tokenCount <= limit { fits = middle } else { over = middle }
    }
    return map(fits)
  }
}
