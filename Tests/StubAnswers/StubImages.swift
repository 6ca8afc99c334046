import Answering
import Crypto
import Foundation
import TokenSampling

/// Images that are their own names.
public struct StubImages: ImageSource {
  public init() {}

  public func fetch(_ reference: ImageReference) async throws -> FetchedImage {
    let bytes =
      switch reference {
      case .uri(let uri): Data(uri.utf8)
      case .data(let data): data
      }
    if bytes.starts(with: Data("missing".utf8)) { throw Rejection(.imageUnreachable, "no such image") }
    return FetchedImage(bytes: bytes, sha256: Self.digest(of: bytes))
  }

  /// What the image of these bytes is known by.
  public static func digest(of bytes: Data) -> String {
    SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
  }

  public func tiles(of image: FetchedImage, rules: TilingRules) async throws -> TiledImage {
    TiledImage(
      tileSize: 1, pixels: [1, 2, 3], grid: GridSize(columns: 0, rows: 0),
      originalSize: PixelSize(width: 1, height: 1))
  }
}
