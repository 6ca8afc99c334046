/// Prefixes of finished groups whose cells are kept for later groups, least recently used first out.
struct KeptPrefixes {
  private struct Kept {
    var prefix: Int
    var cells: Range<Int>
  }

  /// Least recently used first.
  private var kept: [Kept] = []

  var cells: Int { kept.reduce(0) { $0 + $1.cells.count } }
  var ranges: [Range<Int>] { kept.map(\.cells) }

  func cells(of prefix: Int) -> Range<Int>? { kept.first { $0.prefix == prefix }?.cells }

  mutating func keep(_ prefix: Int, _ cells: Range<Int>) { kept.append(Kept(prefix: prefix, cells: cells)) }

  /// The prefix's cells, no longer kept.
  mutating func take(_ prefix: Int) -> Range<Int>? {
    guard let index = kept.firstIndex(where: { $0.prefix == prefix }) else { return nil }
    return kept.remove(at: index).cells
  }

  /// The least recently used prefix other than `wanted`, no longer kept.
  mutating func evict(sparing wanted: Int?) -> (prefix: Int, cells: Range<Int>)? {
    guard let index = kept.firstIndex(where: { $0.prefix != wanted }) else { return nil }
    let evicted = kept.remove(at: index)
    return (evicted.prefix, evicted.cells)
  }
}
