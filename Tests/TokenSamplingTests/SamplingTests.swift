import Foundation
import Testing

@testable import TokenSampling

/// What the PyTorch reference computes of both samplers' pure parts (`training/goldens/sampling.py`).
private struct Golden: Decodable {
  var arrays: String
  var maps: [Map]
  var selections: [Selection]

  struct Array: Decodable {
    var offset: Int
    var shape: [Int]

    func floats(_ bytes: Data) -> [Float] {
      bytes.withUnsafeBytes { raw in
        (0..<shape.reduce(1, *)).map { raw.loadUnaligned(fromByteOffset: offset + 4 * $0, as: Float.self) }
      }
    }

    func map(_ bytes: Data) -> FeatureMap {
      FeatureMap(
        features: floats(bytes), size: GridSize(columns: shape[1], rows: shape[0]), channels: shape[2])
    }
  }
  struct Map: Decodable {
    var name: String
    var map: Array?
    var overview: Array
    var encoded: Int
    var newlines: [Int]
    var scores: Array
    var logits: Array
    var samplings: [Sampling]
  }
  struct Sampling: Decodable {
    var router: String
    var budget: Double?
    var local_budget: Int?
    var scales: [[UInt8]]
    var pooling: String
    var overview_tokens: Int
    var newlines: [Int]
    var token_count: Int
    var tokens: Array?
  }
  struct Selection: Decodable {
    var importance: Array
    var ratio: Double?
    var share: Double?
    var kept: [Int]
  }

  static func load() throws -> (golden: Golden, bytes: Data) {
    let folder = try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures")
    let json = try Data(contentsOf: folder.appendingPathComponent("sampling.json"))
    let golden = try JSONDecoder().decode(Golden.self, from: json)
    return (golden, try Data(contentsOf: folder.appendingPathComponent(golden.arrays)))
  }
}

@Suite struct SamplingTests {
  @Test func scaleMapsAndTokensAreTheReferences() throws {
    let (golden, bytes) = try Golden.load()
    #expect(golden.maps.count >= 6)
    for map in golden.maps {
      let overview = map.overview.map(bytes)
      let none = FeatureMap(
        features: [], size: GridSize(columns: 0, rows: 0), channels: overview.channels)
      let image = EncodedImage(
        overview: overview, local: map.map?.map(bytes) ?? none, isTiled: map.map != nil)
      #expect(image.tokenCount == map.encoded)
      let plain = VisionGuidedSampler().compress(image, by: nil)
      #expect(plain.newlines == map.newlines, "\(map.name)")
      #expect(plain.features.count == map.encoded * overview.channels)

      let blocks = VisionGuidedSampler().blocks(of: image)
      let likeness = DensityRouter.likeness(of: image.sampled, blocks: blocks)
      let scores = map.scores.floats(bytes)
      for (index, likeness) in likeness.enumerated() {
        #expect(abs(likeness.medium - scores[2 * index]) < 1e-5, "\(map.name) block \(index)")
        #expect(abs(likeness.coarse - scores[2 * index + 1]) < 1e-5, "\(map.name) block \(index)")
      }
      for sampling in map.samplings {
        try check(sampling, map, image, likeness, bytes)
      }
    }
  }

  private func check(
    _ sampling: Golden.Sampling, _ map: Golden.Map, _ image: EncodedImage,
    _ likeness: [DensityRouter.Likeness], _ bytes: Data
  ) throws {
    let about = Comment(
      rawValue: "\(map.name) \(sampling.router) at \(sampling.budget.map { "\($0)" } ?? "no budget")")
    let sampler = VisionGuidedSampler(
      pooling: try #require(Pooling(rawValue: sampling.pooling)), budget: sampling.budget)
    let blocks = sampler.blocks(of: image)
    let limit = sampler.limit(for: image)
    let scales: ScaleMap?
    if sampler.keepsAll {
      scales = nil
    } else if sampling.router == "density" {
      scales = DensityRouter.scaleMap(likeness, blocks: blocks, limit: try #require(limit))
    } else {
      scales = LogitRouting.scaleMap(map.logits.floats(bytes), blocks: blocks, limit: limit)
    }
    #expect((scales?.scales ?? blocks.fine) == Array(sampling.scales.joined()), about)
    let compressed = sampler.compress(image, by: scales)
    #expect(compressed.overviewTokens == sampling.overview_tokens, about)
    #expect(compressed.newlines == sampling.newlines, about)
    #expect(compressed.features.count == sampling.token_count * image.overview.channels, about)
    if let tokens = sampling.tokens?.floats(bytes) {
      let difference = zip(tokens, compressed.features).map { abs($0 - $1) }.max() ?? 0
      #expect(tokens.count == compressed.features.count && difference < 1e-5, about)
    }
  }

  /// Windows are of the scales' size, not of the block's: a block of 8 × 8 is as alike as the least of its four of
  /// 4 × 4, which the reference pins.
  @Test func likenessInLargerBlocksIsThatOfTheSameWindows() throws {
    let (golden, bytes) = try Golden.load()
    for map in golden.maps {
      let features = (map.map ?? map.overview).map(bytes)
      let (large, small) = (BlockGrid(map: features.size, side: 8), BlockGrid(map: features.size, side: 4))
      let parts = DensityRouter.likeness(of: features, blocks: small)
      for (index, found) in DensityRouter.likeness(of: features, blocks: large).enumerated() {
        let (column, row) = (index % large.size.columns * 2, index / large.size.columns * 2)
        let inside = small.size.part(columns: column..<column + 2, rows: row..<row + 2).map { parts[$0] }
        #expect(found.coarse == inside.map(\.coarse).min(), "\(map.name) block \(index)")
        #expect(found.medium == inside.map(\.medium).min(), "\(map.name) block \(index)")
      }
    }
    // Four windows that point four ways are each pooled without loss.
    let turned = FeatureMap(
      features: (0..<64).flatMap { token -> [Float] in
        let window = token / 32 * 2 + token % 8 / 4
        return (0..<4).map { $0 == window ? 1 : 0 }
      }, size: GridSize(columns: 8, rows: 8), channels: 4)
    let likeness = DensityRouter.likeness(of: turned, blocks: BlockGrid(map: turned.size, side: 8))
    #expect(likeness.map(\.coarse) == [1] && likeness.map(\.medium) == [1])
  }

  @Test func selectionsAreTheReferences() throws {
    let (golden, bytes) = try Golden.load()
    for selection in golden.selections {
      let amount: SelectionAmount = selection.ratio.map { .ratio($0) } ?? .cumulative(selection.share ?? 1)
      #expect(TokenSelection.kept(selection.importance.floats(bytes), amount) == selection.kept)
    }
    #expect(TokenSelection.kept([], .ratio(0.5)) == [])
    #expect(golden.selections.count > 4)
  }

  @Test func scaleMapsOfOtherSizesOrScalesAreRefused() {
    let blocks = BlockGrid(map: GridSize(columns: 5, rows: 4), side: 4)
    #expect(blocks.count == 2)
    #expect(ScaleMap(blocks: blocks, scales: [1, 4]) != nil)
    #expect(ScaleMap(blocks: blocks, scales: [1]) == nil)
    #expect(ScaleMap(blocks: blocks, scales: [1, 3]) == nil)
    #expect(ScaleMap(blocks: blocks, scales: [4, 4])?.tokenCount == 2)
  }
}

extension GridSize {
  /// Indices of the cells in these columns and rows, as far as there are such.
  fileprivate func part(columns wanted: Range<Int>, rows wantedRows: Range<Int>) -> [Int] {
    wantedRows.filter { $0 < rows }.flatMap { row in
      wanted.filter { $0 < columns }.map { row * columns + $0 }
    }
  }
}

extension BlockGrid {
  fileprivate var fine: [UInt8] { Array(repeating: 1, count: count) }
}
