import Answering
import Foundation
import Testing
import TokenSampling

@testable import Images

@Suite struct DecodingTests {
  static let red = [255, 0, 0]
  static let green = [0, 255, 0]
  static let blue = [0, 0, 255]
  static let white = [255, 255, 255]

  /// Padding shows which way is up and how long each side is: the 32×16 picture fills the middle rows.
  @Test(arguments: [
    "quarters.png", "quarters.webp", "quarters.avif", "orientation1.jpg", "orientation3.jpg",
    "orientation5.jpg",
    "orientation6.jpg", "orientation8.jpg",
  ])
  func everyFormatAndOrientationLooksTheSame(file: String) async throws {
    let rules = TilingRules(tileSize: 32, patchSize: 4, paddingColor: [0, 0, 0])
    let image = try await ImageLoader.closed().decode(Fixture.odd(file), rules: rules)
    #expect(image.originalSize == PixelSize(width: 32, height: 16))
    #expect(isNear(image.pixel(x: 7, y: 11), Self.red, within: 12), "\(image.pixel(x: 7, y: 11))")
    #expect(isNear(image.pixel(x: 24, y: 11), Self.green, within: 12), "\(image.pixel(x: 24, y: 11))")
    #expect(isNear(image.pixel(x: 7, y: 20), Self.blue, within: 12), "\(image.pixel(x: 7, y: 20))")
    #expect(isNear(image.pixel(x: 24, y: 20), Self.white, within: 12), "\(image.pixel(x: 24, y: 20))")
    #expect(image.pixel(x: 16, y: 2) == [0, 0, 0])
    #expect(image.pixel(x: 16, y: 29) == [0, 0, 0])
  }

  @Test(arguments: [
    ("grey.png", [77, 77, 77]), ("grey16.png", [128, 128, 128]), ("rgba16.png", [127, 127, 255]),
    ("alpha.png", [255, 127, 127]), ("palette.gif", green), ("animated.gif", red), ("animated.webp", red),
    ("pages.tiff", red), ("pixel.png", [10, 20, 30]), ("thin.png", [10, 20, 30]),
  ])
  func coloursAndFirstFramesAreConverted(file: String, expected: [Int]) async throws {
    let image = try await ImageLoader.closed().decode(Fixture.odd(file))
    #expect(image.pixels.count == 8 * 8 * 3)
    for corner in [(0, 0), (7, 0), (0, 7), (7, 7)] {
      let color = image.pixel(x: corner.0, y: corner.1)
      #expect(isNear(color, expected), "\(color)")
    }
  }

  /// Ink has no one right screen colour; this much green is green.
  @Test func inkColoursBecomeScreenColours() async throws {
    let color = try await ImageLoader.closed().decode(Fixture.odd("cmyk.jpg")).pixel(x: 4, y: 4)
    #expect(color[1] > 120 && color[1] > color[0] + 60 && color[1] > color[2] + 60, "\(color)")
  }

  @Test(arguments: ["pixel.png", "thin.png"])
  func extremeShapesAreTiledForEveryModel(file: String) async throws {
    let loader = try ImageLoader.closed()
    for rules in ParityTests.rules.values {
      let image = try await loader.decode(Fixture.odd(file), rules: rules)
      #expect(image.pixels.count == image.tileCount * 336 * 336 * 3)
    }
  }

  @Test func theOverviewIsFirstThenTilesInRasterOrder() async throws {
    let pinpoint = PixelSize(width: 32, height: 32)
    let rules = TilingRules(tileSize: 16, patchSize: 4, gridPinpoints: [pinpoint])
    let image = try await ImageLoader.closed().decode(Fixture.odd("quarters.png"), rules: rules)
    #expect(image.grid == GridSize(columns: 2, rows: 2))
    #expect(image.pixel(x: 3, y: 3, tile: 0) == Self.red)
    #expect(image.pixel(x: 12, y: 12, tile: 0) == Self.white)
    // The picture fills the middle 16 of 32 rows: padding, then red | green over blue | white.
    #expect(image.pixel(x: 4, y: 7, tile: 1) == [0, 0, 0])
    #expect(image.pixel(x: 4, y: 12, tile: 1) == Self.red)
    #expect(image.pixel(x: 12, y: 12, tile: 2) == Self.green)
    #expect(image.pixel(x: 4, y: 3, tile: 3) == Self.blue)
    #expect(image.pixel(x: 12, y: 3, tile: 4) == Self.white)
    #expect(image.pixel(x: 12, y: 8, tile: 4) == [0, 0, 0])
  }

  @Test func manyImagesAtOnceKeepTheirPixels() async throws {
    let loader = try ImageLoader.closed()
    let files = [("alpha.png", [255, 127, 127]), ("grey.png", [77, 77, 77]), ("pixel.png", [10, 20, 30])]
    try await withThrowingTaskGroup { group in
      for index in 0..<60 {
        let (file, expected) = files[index % files.count]
        let data = try Fixture.odd(file)
        group.addTask {
          let color = try await loader.decode(data).pixel(x: 4, y: 4)
          #expect(isNear(color, expected), "\(file): \(color)")
        }
      }
      try await group.waitForAll()
    }
  }
}
