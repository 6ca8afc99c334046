import Answering
import Foundation
import Testing
import TokenSampling

/// What Hugging Face computed in float32 for one tiny model (`training/goldens`).
struct Golden: Decodable {
  var language: String
  var vision: String
  var arrays: String
  var runs: [Run]

  struct Run: Decodable {
    var name: String
    var image: Image
    var newlines: [Int]
    var features: Array
    var image_rows: Array
    var prompt: Prompt
    var last_logits: Array
    var argmax: [Int32]
    var greedy: [Int32]
  }
  struct Image: Decodable {
    var pixels: Array
    var grid: Grid
    var original_size: Size
  }
  struct Grid: Decodable { var columns, rows: Int }
  struct Size: Decodable { var width, height: Int }
  struct Array: Decodable {
    var offset: Int
    var shape: [Int]
    var count: Int { shape.reduce(1, *) }
  }
  struct Prompt: Decodable { var before, question, after: [Int32] }

  static let folder = Bundle.module.resourceURL?.appendingPathComponent("Fixtures")

  /// The golden and its folder.
  static func load(_ name: String) throws -> (golden: Golden, folder: URL) {
    let folder = try #require(Self.folder).appendingPathComponent(name)
    let data = try Data(contentsOf: folder.appendingPathComponent("golden.json"))
    return (try JSONDecoder().decode(Golden.self, from: data), folder)
  }
}

extension Golden.Run {
  func tiles(_ bytes: Data) -> TiledImage {
    let size = image.pixels.shape[1]
    let start = bytes.startIndex + image.pixels.offset
    return TiledImage(
      tileSize: size, pixels: [UInt8](bytes[start..<start + image.pixels.count]),
      grid: GridSize(columns: image.grid.columns, rows: image.grid.rows),
      originalSize: PixelSize(width: image.original_size.width, height: image.original_size.height))
  }
}

extension Golden.Array {
  func floats(_ bytes: Data) -> [Float] {
    bytes.withUnsafeBytes { raw in
      (0..<count).map { raw.loadUnaligned(fromByteOffset: offset + 4 * $0, as: Float.self) }
    }
  }
}

/// ‖a − b‖ / ‖b‖; infinite where the lengths differ.
func relativeError(_ found: [Float], _ expected: [Float]) -> Double {
  guard found.count == expected.count else { return .infinity }
  let difference = zip(found, expected).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }
  return (difference / expected.reduce(0.0) { $0 + Double($1 * $1) }).squareRoot()
}

extension TokenKey {
  static let test = TokenKey(imageSHA256: "image", recipe: "test")
}
