/// A feature map cut into square blocks in raster order; those at the right and bottom edge may be smaller.
public struct BlockGrid: Sendable, Equatable {
  /// The map's size in tokens.
  public let map: GridSize
  /// Side B of a block in tokens.
  public let side: Int

  public init(map: GridSize, side: Int) {
    self.map = map
    self.side = max(1, side)
  }

  /// Blocks in each direction.
  public var size: GridSize {
    GridSize(columns: Self.ceiling(map.columns, side), rows: Self.ceiling(map.rows, side))
  }

  public var count: Int { size.count }

  /// The tokens of block `index`, by column and row of the map.
  public func window(ofBlock index: Int) -> TokenWindow {
    let columns = size.columns
    return TokenWindow(
      columns: Self.part(index % columns, side, within: 0..<map.columns),
      rows: Self.part(index / columns, side, within: 0..<map.rows))
  }

  /// Tokens that block `index` leaves at `scale`.
  public func tokens(ofBlock index: Int, scale: Int) -> Int {
    window(ofBlock: index).size(scale: scale).count
  }

  static func ceiling(_ length: Int, _ part: Int) -> Int { (length + part - 1) / part }

  /// The `index`-th stretch of `length` in `range`; the last may be shorter.
  static func part(_ index: Int, _ length: Int, within range: Range<Int>) -> Range<Int> {
    let start = range.lowerBound + index * length
    return start..<min(start + length, range.upperBound)
  }
}

/// A rectangle of a feature map's tokens.
public struct TokenWindow: Sendable, Equatable {
  public var columns: Range<Int>
  public var rows: Range<Int>

  public init(columns: Range<Int>, rows: Range<Int>) {
    self.columns = columns
    self.rows = rows
  }

  /// All of a grid.
  public init(_ size: GridSize) {
    self.init(columns: 0..<size.columns, rows: 0..<size.rows)
  }

  /// How many windows of `scale` × `scale` cover it; ragged edges count.
  public func size(scale: Int) -> GridSize {
    GridSize(columns: BlockGrid.ceiling(columns.count, scale), rows: BlockGrid.ceiling(rows.count, scale))
  }

  /// The windows of `scale` × `scale` that cover it, in raster order; those at its edges may be smaller.
  public func parts(scale: Int) -> [TokenWindow] {
    let size = size(scale: scale)
    return (0..<size.count).map { index in
      TokenWindow(
        columns: BlockGrid.part(index % size.columns, scale, within: columns),
        rows: BlockGrid.part(index / size.columns, scale, within: rows))
    }
  }
}
