/// Tells the model where each token of a compressed image lies, where it was trained with it. Not in the paper.
///
/// An image that is not compressed tells places by its order alone: all its rows are as long. Where blocks are pooled
/// unlike, each row of blocks has another number of tokens.
public struct PlaceEmbedding: Sendable, Equatable {
  /// How many values tell a token's place.
  public static let inputs = 5

  /// `[channel, input]`.
  private let weight: [Float]

  /// nil unless there is a weight of each input for each of `channels`, and all are numbers.
  public init?(weight: [Float], channels: Int) {
    guard weight.count == channels * Self.inputs, weight.allSatisfy(\.isFinite) else { return nil }
    self.weight = weight
  }

  /// Adds to each of `tokens`, `[token, channel]`, what its place makes.
  func add(_ places: TokenPlaces, to tokens: inout [Float]) {
    let channels = weight.count / Self.inputs
    let inputs =
      places.overview.windows.map { Self.place(of: $0, in: places.overview.size, isOverview: true) }
      + places.map.windows.map { Self.place(of: $0, in: places.map.size, isOverview: false) }
    weight.withUnsafeBufferPointer { weight in
      for (token, place) in inputs.enumerated() {
        for channel in 0..<channels {
          var sum: Float = 0
          for input in 0..<Self.inputs { sum += weight[channel * Self.inputs + input] * place[input] }
          tokens[token * channels + channel] += sum
        }
      }
    }
  }

  /// The column and the row of the window's middle, from -1 to 1 over its map; its width and height in the same unit;
  /// and whether it is of an overview that stands before the map.
  static func place(of window: TokenWindow, in size: GridSize, isOverview: Bool) -> [Float] {
    func middle(_ range: Range<Int>, _ length: Int) -> Float {
      Float(range.lowerBound + range.upperBound) / Float(length) - 1
    }
    func extent(_ range: Range<Int>, _ length: Int) -> Float { 2 * Float(range.count) / Float(length) }
    return [
      middle(window.columns, size.columns), middle(window.rows, size.rows),
      extent(window.columns, size.columns), extent(window.rows, size.rows), isOverview ? 1 : 0,
    ]
  }
}
