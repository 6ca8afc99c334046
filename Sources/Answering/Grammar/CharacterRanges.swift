/// Sets of Unicode scalars as ranges, sorted and apart.
package enum CharacterRanges {
  static let all: [ClosedRange<UInt32>] = [0...0x10FFFF]

  static func sorted(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, range.lowerBound <= last.upperBound {
        result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    return result
  }

  static func inverse(of ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    var start: UInt32 = 0
    for range in sorted(ranges) {
      if range.lowerBound > start { result.append(start...range.lowerBound - 1) }
      guard range.upperBound < 0x10FFFF else { return result }
      start = range.upperBound + 1
    }
    return result + [start...0x10FFFF]
  }

  /// Whether one of `ranges`, sorted and apart, shares a scalar with `wanted`.
  package static func overlap(_ ranges: [ClosedRange<UInt32>], _ wanted: ClosedRange<UInt32>) -> Bool {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < wanted.lowerBound { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound <= wanted.upperBound
  }
}
