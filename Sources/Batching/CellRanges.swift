/// Which contiguous ranges of key/value cells are free. First fit; neighbouring free ranges are joined.
public struct CellRanges: Sendable {
  /// Free ranges, ascending, no two touching.
  private(set) var free: [Range<Int>]
  public let capacity: Int

  public init(capacity: Int) {
    self.capacity = capacity
    free = capacity > 0 ? [0..<capacity] : []
  }

  /// Length of the longest range that could be allocated now.
  public var largestFree: Int { free.map(\.count).max() ?? 0 }

  public mutating func allocate(_ count: Int) -> Range<Int>? {
    guard count > 0, let index = free.firstIndex(where: { $0.count >= count }) else { return nil }
    let start = free[index].lowerBound
    if free[index].count == count {
      free.remove(at: index)
    } else {
      free[index] = start + count..<free[index].upperBound
    }
    return start..<start + count
  }

  /// Makes `range` longer where the cells behind it are free. Returns whether they were.
  public mutating func extend(_ range: Range<Int>, by count: Int) -> Bool {
    guard count > 0 else { return true }
    guard let index = free.firstIndex(where: { $0.lowerBound == range.upperBound }),
      free[index].count >= count
    else { return false }
    if free[index].count == count {
      free.remove(at: index)
    } else {
      free[index] = free[index].lowerBound + count..<free[index].upperBound
    }
    return true
  }

  public mutating func release(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    let index = free.firstIndex { $0.lowerBound > range.lowerBound } ?? free.count
    var joined = range
    var replaced = index..<index
    if index < free.count, free[index].lowerBound == joined.upperBound {
      joined = joined.lowerBound..<free[index].upperBound
      replaced = replaced.lowerBound..<index + 1
    }
    if index > 0, free[index - 1].upperBound == joined.lowerBound {
      joined = free[index - 1].lowerBound..<joined.upperBound
      replaced = index - 1..<replaced.upperBound
    }
    free.replaceSubrange(replaced, with: [joined])
  }
}
