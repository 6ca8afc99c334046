import Testing

@testable import Batching

@Suite struct CellRangesTests {
  @Test func releasedNeighboursJoin() {
    var ranges = CellRanges(capacity: 100)
    let held = [ranges.allocate(30), ranges.allocate(30), ranges.allocate(40)]
    #expect(held == [0..<30, 30..<60, 60..<100])
    let none = ranges.allocate(1)
    #expect(none == nil)
    ranges.release(0..<30)
    ranges.release(60..<100)
    #expect(ranges.largestFree == 40)
    ranges.release(30..<60)
    #expect(ranges.free == [0..<100])
  }

  /// Whatever the order of calls, ranges never overlap and nothing is lost.
  @Test func randomAllocationsKeepTheCount() {
    var generator = SystemRandomNumberGenerator()
    var ranges = CellRanges(capacity: 500)
    var held: [Range<Int>] = []
    for _ in 0..<2000 {
      if Bool.random(using: &generator), let range = ranges.allocate(.random(in: 1...60)) {
        #expect(!held.contains { $0.overlaps(range) })
        held.append(range)
      } else if let index = held.indices.randomElement() {
        ranges.release(held.remove(at: index))
      }
      #expect(ranges.free.reduce(0) { $0 + $1.count } + held.reduce(0) { $0 + $1.count } == 500)
      #expect(zip(ranges.free, ranges.free.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
    }
  }
}
