import Answering
import Batching

/// A prefix of prompts: system text and an image. Lives as long as groups use it or its cells are kept.
///
/// Not thread-safe: used from the engine's thread only.
final class PrefixState {
  /// What makes two prefixes the same.
  struct Key: Hashable {
    var image: TokenKey
    /// In UTF-8: strings that Unicode calls equal may have other tokens.
    private var system: [UInt8]?
    /// Whether its rows go through all layers.
    var sharesAllLayers: Bool

    init(image: TokenKey, system: String?, sharesAllLayers: Bool) {
      self.image = image
      self.system = system.map { Array($0.utf8) }
      self.sharesAllLayers = sharesAllLayers
    }

    var systemText: String? { system.map { String(decoding: $0, as: UTF8.self) } }
  }

  let id: Int
  let tokens: [Int32]
  /// Rows of the visual tokens, in order; between them stand newline rows.
  let visualRows: [Int]
  /// All rows: text, visual tokens, newlines.
  let rowCount: Int
  private let image: CompressedImage
  private let tower: VisionTower
  /// Projected rows of the image with its newlines, `[rows, D]`; there while they are computed.
  private var imageRows: [Float] = []
  /// Each row after the selection layer, `[rows, D]`, where questions compute the layers above for themselves.
  private(set) var hidden: [Float] = []

  init(id: Int, tokens: [Int32], image: CompressedImage, tower: VisionTower) {
    self.id = id
    self.tokens = tokens
    self.image = image
    self.tower = tower
    var visual: [Int] = []
    var row = tokens.count
    var ends = (tower.newline.isEmpty ? [] : image.newlines)[...]
    for token in 0...image.tokenCount {
      while ends.first == token {
        ends.removeFirst()
        row += 1
      }
      guard token < image.tokenCount else { break }
      visual.append(row)
      row += 1
    }
    visualRows = visual
    rowCount = row
  }

  /// Text and newline rows: kept by every question.
  var plainRows: Int { rowCount - visualRows.count }

  /// What row `index` holds. Projects the image when the first of its rows is asked for.
  func source(of index: Int) throws -> PassRows.Source {
    if index < tokens.count { return .token(tokens[index]) }
    if imageRows.isEmpty { imageRows = try tower.rows(of: image) }
    let width = tower.weights.languageWidth
    let row = index - tokens.count
    return .image(imageRows[row * width..<(row + 1) * width])
  }

  /// Keeps rows as they came out of the selection layer.
  func keep(_ rows: ArraySlice<Float>, at index: Int) {
    let width = tower.weights.languageWidth
    if hidden.isEmpty { hidden = [Float](repeating: 0, count: rowCount * width) }
    hidden.replaceSubrange(index * width..<index * width + rows.count, with: rows)
  }

  /// All rows are in their cells: what they were made from can go.
  func wasComputed() { imageRows = [] }

  /// The rows that a question keeps of `visual`, its selected tokens; ascending.
  func kept(_ visual: [Int]) -> [Int] {
    let dropped = Set(visualRows).subtracting(visual.map { visualRows[$0] })
    return (0..<rowCount).filter { !dropped.contains($0) }
  }
}
