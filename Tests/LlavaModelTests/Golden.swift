import Answering
import Foundation
import Testing
import TokenSampling

@testable import LlavaModel

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
    var importance: Array
    var importance_max_heads: Array
    var selections: [Selection]
    /// What the samplers make of the image; only some cases have them.
    var compressions: [Compression]?
  }
  struct Compression: Decodable {
    /// The sampler's file in the case's folder.
    var sampler: String
    var budget: Double?
    var scales: [[UInt8]]
    var overview_tokens: Int
    var newlines: [Int]
    var features: Array
    var image_rows: Array
    var importance: Array
    var importance_max_heads: Array
    var selections: [Selection]

    /// The plain image, as one more.
    init(of run: Run) {
      sampler = ""
      scales = []
      overview_tokens = 0
      newlines = run.newlines
      features = run.features
      image_rows = run.image_rows
      importance = run.importance
      importance_max_heads = run.importance_max_heads
      selections = run.selections
    }
  }
  struct Selection: Decodable {
    var mode: String
    var layer: Int
    var ratio: Double?
    var share: Double?
    var kept: [Int]
    var boundary: Array
    var last_logits: Array
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

extension Golden {
  /// The samplers and budgets of the golden's compressions.
  var samplers: [(sampler: String, budget: Double?)] {
    (runs.first?.compressions ?? []).map { ($0.sampler, $0.budget) }
  }

  /// The case's own engine, without its sampler unless `change` asks for it.
  func engine(
    in folder: URL, _ change: (inout ModelFiles, inout EngineSettings) -> Void = { _, _ in }
  ) throws -> Engine {
    var files = ModelFiles(
      language: folder.appendingPathComponent(language).standardizedFileURL.path,
      vision: folder.appendingPathComponent(vision).standardizedFileURL.path)
    var settings = EngineSettings.forTests
    change(&files, &settings)
    return try Engine(files: files, settings: settings)
  }
}

extension Golden.Array {
  /// One row of a matrix.
  func row(_ index: Int, _ bytes: Data) -> [Float] {
    let width = shape[1]
    return Swift.Array(floats(bytes)[index * width..<(index + 1) * width])
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
