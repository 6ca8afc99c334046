/// A size in pixels.
public struct PixelSize: Sendable, Hashable {
  public var width: Int
  public var height: Int

  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }
}

/// A size in cells of a grid (tiles, tokens or blocks).
public struct GridSize: Sendable, Hashable {
  public var columns: Int
  public var rows: Int

  public var count: Int { columns * rows }

  public init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
  }
}
