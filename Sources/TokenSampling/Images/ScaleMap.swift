/// How far each block of a map is pooled.
public struct ScaleMap: Sendable, Equatable {
  /// Scales a block can have, finest first.
  public static let scales = [1, 2, 4]

  public let blocks: BlockGrid
  /// Each block's scale, in raster order.
  public let scales: [UInt8]

  /// nil unless there is one of the known scales for each block.
  public init?(blocks: BlockGrid, scales: [UInt8]) {
    guard scales.count == blocks.count, scales.allSatisfy({ Self.scales.contains(Int($0)) }) else {
      return nil
    }
    self.blocks = blocks
    self.scales = scales
  }

  /// `scaleOf` gives an index into `ScaleMap.scales` for each block.
  init(blocks: BlockGrid, scaleOf: (Int) -> Int) {
    self.blocks = blocks
    scales = (0..<blocks.count).map { UInt8(Self.scales[scaleOf($0)]) }
  }

  public var tokenCount: Int {
    scales.indices.reduce(0) { $0 + blocks.tokens(ofBlock: $1, scale: Int(scales[$1])) }
  }

  /// Blocks at each scale.
  public var histogram: [Int: Int] {
    Dictionary(
      uniqueKeysWithValues: Self.scales.map { scale in
        (scale, scales.count { Int($0) == scale })
      })
  }

  /// Whether nothing is pooled.
  public var isPlain: Bool { scales.allSatisfy { $0 == 1 } }

  /// For each row of blocks, the tokens kept up to its end.
  public var rowEnds: [Int] {
    let columns = blocks.size.columns
    var tokens = 0
    return (0..<blocks.size.rows).map { row in
      for index in row * columns..<(row + 1) * columns {
        tokens += blocks.tokens(ofBlock: index, scale: Int(scales[index]))
      }
      return tokens
    }
  }
}
