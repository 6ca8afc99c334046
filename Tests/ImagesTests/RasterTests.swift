import Answering
import Foundation
import TokenSampling
import Testing

@testable import Images

/// Pictures for people: scaled down, upright, and as PNG files.
@Suite struct RasterTests {
  @Test(arguments: [(1, 1), (3, 7), (257, 129), (1000, 1)])
  func whatIsWrittenAsPNGIsReadAsItWas(width: Int, height: Int) async throws {
    let pixels = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) }
    let raster = Raster(size: PixelSize(width: width, height: height), pixels: pixels)
    let loader = try ImageLoader.closed()
    let file = try await loader.png(raster)
    #expect(file.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    let read = try await loader.raster(of: loader.fetch(.data(file)), longestSide: 4096)
    #expect(read == raster)
  }

  @Test func picturesStandUprightAndKeepTheirShape() async throws {
    let loader = try ImageLoader.closed()
    let image = try await loader.fetch(.data(Fixture.odd("orientation6.jpg")))
    let whole = try await loader.raster(of: image, longestSide: 100)
    #expect(whole.size == PixelSize(width: 32, height: 16))
    #expect(isNear(whole.pixels[..<3].map(Int.init), [255, 0, 0], within: 12))
    let half = try await loader.raster(of: image, longestSide: 16)
    #expect(half.size == PixelSize(width: 16, height: 8))
    let thin = try await loader.raster(of: loader.fetch(.data(Fixture.odd("thin.png"))), longestSide: 10)
    #expect(min(thin.size.width, thin.size.height) == 1)
    #expect(max(thin.size.width, thin.size.height) == 10)
  }

  @Test func whatIsNoImageIsRefused() async throws {
    let loader = try ImageLoader.closed()
    let text = try await loader.fetch(.data(Data("no image".utf8)))
    await expectRejection(.imageUnsupported) { try await loader.raster(of: text, longestSide: 10) }
  }
}
