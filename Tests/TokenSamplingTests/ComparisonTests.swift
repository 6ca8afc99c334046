import Testing

@testable import TokenSampling

/// What samplers are compared with: places alone, and chance.
@Suite struct ComparisonTests {
  @Test(arguments: [0, 10, 17, 40, 77, 100, 143, 200, 288])
  func uniformRoutingUsesTheLimitUp(_ limit: Int) {
    // Blocks at the edges are narrower: 5 × 5 of them.
    let blocks = BlockGrid(map: GridSize(columns: 18, rows: 17), side: 4)
    let map = UniformRouter.scaleMap(blocks: blocks, limit: limit)
    let coarse = ScaleMap(blocks: blocks) { _ in 2 }.tokenCount
    #expect(map.tokenCount <= max(limit, coarse))
    // One block more would not fit: a block has 16 tokens at most.
    if limit >= coarse { #expect(map.tokenCount > limit - 16) }
    let used = map.histogram.filter { $0.value > 0 }.keys.sorted()
    #expect(used.count <= 2 && used != [1, 4])
  }

  /// No part of the image is finer than another.
  @Test func uniformRoutingIsSpreadEvenly() {
    let blocks = BlockGrid(map: GridSize(columns: 64, rows: 64), side: 4)
    let map = UniformRouter.scaleMap(blocks: blocks, limit: 64 * 64 * 39 / 100)
    let fine = map.scales.map { $0 == 1 }
    let quarters = (0..<4).map { part in fine[part * 64..<(part + 1) * 64].count { $0 } }
    #expect((quarters.max() ?? 0) - (quarters.min() ?? 0) <= 1)
  }

  @Test func everyTokenFitsWhereTheLimitIsTheMap() {
    let blocks = BlockGrid(map: GridSize(columns: 8, rows: 8), side: 4)
    #expect(UniformRouter.scaleMap(blocks: blocks, limit: 64).isPlain)
  }

  @Test func chanceIsTheSameForTheSameSeedAlone() {
    let first = TokenSelection.chance(1000, seed: 7)
    #expect(first == TokenSelection.chance(1000, seed: 7))
    #expect(first != TokenSelection.chance(1000, seed: 8))
    #expect(first.allSatisfy { (0..<1).contains($0) })
    #expect(abs(first.reduce(0, +) / 1000 - 0.5) < 0.05)
  }
}
