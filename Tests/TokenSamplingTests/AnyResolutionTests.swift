import Foundation
import Testing

@testable import TokenSampling

/// Geometry for hundreds of image sizes, as transformers computes it (`training/goldens/anyres.py`).
private struct Golden: Decodable {
  var pinpoints: [String: [[Int]]]
  /// width, height, canvas width, canvas height, fitted width, fitted height, columns from, to, rows from, to,
  /// tokens with newlines.
  var rows: [String: [[Int]]]
}

@Suite struct AnyResolutionTests {
  @Test(arguments: ["next", "wide"])
  func agreesWithTransformers(pinpointSet: String) throws {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/anyres", withExtension: "json"))
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
    let pinpoints = try #require(golden.pinpoints[pinpointSet]).map { PixelSize(width: $0[0], height: $0[1]) }
    let rows = try #require(golden.rows[pinpointSet])
    #expect(rows.count > 300)
    for row in rows {
      let image = PixelSize(width: row[0], height: row[1])
      let canvas = AnyResolution.bestPinpoint(for: image, among: pinpoints)
      #expect(canvas == PixelSize(width: row[2], height: row[3]), "canvas of \(image)")
      let fitted = AnyResolution.fittedSize(of: image, in: canvas)
      #expect(fitted == PixelSize(width: row[4], height: row[5]), "fitted size of \(image)")
      let tokens = GridSize(columns: canvas.width / 14, rows: canvas.height / 14)
      let region = AnyResolution.unpaddedRegion(of: tokens, image: image)
      #expect(region.columns == row[6]..<row[7] && region.rows == row[8]..<row[9], "region of \(image)")
      #expect(24 * 24 + region.rows.count * (region.columns.count + 1) == row[10], "tokens of \(image)")
    }
  }

  @Test func widthAndHeightAreNotSwapped() {
    let wide = PixelSize(width: 2000, height: 500)
    let canvas = AnyResolution.bestPinpoint(
      for: wide, among: [PixelSize(width: 336, height: 1008), PixelSize(width: 1008, height: 336)])
    #expect(canvas == PixelSize(width: 1008, height: 336))
    let region = AnyResolution.unpaddedRegion(of: GridSize(columns: 72, rows: 24), image: wide)
    #expect(region.columns == 0..<72)
    #expect(region.rows == 3..<21)
  }

  @Test func withoutPinpointsTheImageIsItsOwnCanvas() {
    let image = PixelSize(width: 30, height: 20)
    #expect(AnyResolution.bestPinpoint(for: image, among: []) == image)
  }
}
