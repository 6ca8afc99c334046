import Answering
import Foundation
import Testing
import TokenSampling

@testable import Images

/// What Hugging Face's processors make of the demo photographs (`training/goldens/preprocessing.py`).
private struct Golden: Decodable {
  var samples: Int
  var deviation: [Double]
  var cases: [Case]

  struct Case: Decodable {
    var model: String
    var photo: String
    var size: [Int]
    var tokens: Int
    var tiles: Int
    var means: [[Double]]
    /// By processor: base64 of `[tile, sample, channel]`.
    var samples: [String: Data]
  }

  /// The golden's sample places: pixel indices in a tile.
  func places(tileSize: Int) -> [Int] {
    var state: UInt32 = 1
    return (0..<samples).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Int(state >> 8) % (tileSize * tileSize)
    }
  }
}

@Suite struct ParityTests {
  /// Mean absolute difference of normalised pixel values.
  static let tolerance = 0.01

  static let rules = [
    "llava-1.5": TilingRules(tileSize: 336, patchSize: 14, paddingColor: [122, 116, 104]),
    "llava-next": TilingRules(
      tileSize: 336, patchSize: 14,
      gridPinpoints: [(672, 336), (336, 672), (672, 672), (336, 1008), (1008, 336)].map {
        PixelSize(width: $0.0, height: $0.1)
      }),
  ]

  @Test func tilesAgreeWithTransformers() async throws {
    let golden = try JSONDecoder().decode(Golden.self, from: Fixture.data("preprocessing.json"))
    let places = golden.places(tileSize: 336)
    let loader = try ImageLoader.closed()
    #expect(golden.cases.count >= 10)
    for expected in golden.cases {
      let rules = try #require(Self.rules[expected.model])
      let photo = try Data(contentsOf: Fixture.photographs.appending(path: expected.photo))
      let begin = ContinuousClock.now
      let image = try await loader.decode(photo, rules: rules)
      let duration = (ContinuousClock.now - begin).formatted(.units(allowed: [.milliseconds], width: .narrow))
      let name = "\(expected.model) \(expected.photo)"
      #expect(image.originalSize == PixelSize(width: expected.size[0], height: expected.size[1]), "\(name)")
      #expect(image.tileCount == expected.tiles, "\(name)")
      #expect(tokens(of: image, rules: rules) == expected.tokens, "\(name)")
      let samples = (0..<image.tileCount).flatMap { tile in
        places.flatMap { image.pixel(x: $0 % 336, y: $0 / 336, tile: tile) }
      }
      var figures = ""
      for (processor, bytes) in expected.samples.sorted(by: { $0.key < $1.key }) {
        let difference =
          zip(samples, bytes).enumerated().map { index, pair in
            Double(abs(pair.0 - Int(pair.1))) / 255 / golden.deviation[index % 3]
          }.reduce(0, +) / Double(samples.count)
        #expect(bytes.count == samples.count)
        #expect(difference <= Self.tolerance, "\(name) against \(processor)")
        figures += " \(processor) \(String(format: "%.5f", difference))"
      }
      let drift = zip(means(of: image), expected.means.joined()).map { abs($0 - $1) }.max() ?? 0
      #expect(drift <= 0.5, "mean of a tile's channel in \(name)")
      print(
        "preprocessing \(name): mean absolute difference\(figures),",
        "tile means \(String(format: "%.3f", drift)), \(duration)"
      )
    }
  }

  private func tokens(of image: TiledImage, rules: TilingRules) -> Int {
    let side = rules.tileSize / rules.patchSize
    guard image.grid.count > 0 else { return side * side }
    let map = GridSize(columns: image.grid.columns * side, rows: image.grid.rows * side)
    let region = AnyResolution.unpaddedRegion(of: map, image: image.originalSize)
    return side * side + region.rows.count * (region.columns.count + 1)
  }

  /// Of each tile's channels, in 8-bit levels.
  private func means(of image: TiledImage) -> [Double] {
    let tilePixels = image.tileSize * image.tileSize
    return (0..<image.tileCount * 3).map { index in
      let start = index / 3 * tilePixels * 3 + index % 3
      var sum = 0
      for pixel in 0..<tilePixels { sum += Int(image.pixels[start + pixel * 3]) }
      return Double(sum) / Double(tilePixels)
    }
  }
}
