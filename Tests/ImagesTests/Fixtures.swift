import Answering
import Foundation
import TokenSampling
import Testing

@testable import Images

/// Files that the tests read, and short ways to decode them.
enum Fixture {
  static func data(_ name: String) throws -> Data {
    try Data(contentsOf: #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(name)"))
  }

  static func odd(_ name: String) throws -> Data {
    try data("odd/\(name)")
  }

  /// The demo photographs, beside the package's sources.
  static let photographs = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../script/demo-images").standardized
}

/// One 8×8 tile without padding: small enough to reason about.
let smallTile = TilingRules(tileSize: 8, patchSize: 4)

extension ImageLoader {
  /// Everything closed, default limits.
  static func closed(_ limits: ImageLimits = ImageLimits()) throws -> ImageLoader {
    ImageLoader(web: WebImages(access: try ImageAccess(environment: [:]), limits: limits))
  }

  func decode(_ data: Data, rules: TilingRules = smallTile) async throws -> TiledImage {
    try await tiles(of: fetch(.data(data)), rules: rules)
  }
}

extension TiledImage {
  /// The (red, green, blue) of a pixel in a tile.
  func pixel(x: Int, y: Int, tile: Int = 0) -> [Int] {
    let start = ((tile * tileSize + y) * tileSize + x) * 3
    return pixels[start..<(start + 3)].map(Int.init)
  }
}

/// Whether each channel differs by no more than the tolerance.
func isNear(_ color: [Int], _ expected: [Int], within tolerance: Int = 3) -> Bool {
  color.count == expected.count && zip(color, expected).allSatisfy { abs($0 - $1) <= tolerance }
}

/// Expects a rejection with the code and a message that says something; returns the message.
@discardableResult
func expectRejection(
  _ reason: RejectionReason, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws -> some Any
) async -> String {
  do {
    let value = try await body()
    Issue.record(
      "expected \(reason), got \(String(describing: value).prefix(200))", sourceLocation: sourceLocation)
  } catch let rejection as Rejection {
    #expect(rejection.reason == reason, "\(rejection)", sourceLocation: sourceLocation)
    #expect(!rejection.message.isEmpty, sourceLocation: sourceLocation)
    return rejection.message
  } catch {
    Issue.record("expected \(reason), got \(error)", sourceLocation: sourceLocation)
  }
  return ""
}
