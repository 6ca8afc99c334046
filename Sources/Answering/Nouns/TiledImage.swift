import Foundation
import TokenSampling

/// How a model wants its images cut into tiles (read from the vision file).
public struct TilingRules: Sendable, Equatable {
  /// Side of a tile in pixels.
  public var tileSize: Int
  /// Side of a patch in pixels.
  public var patchSize: Int
  /// Grid sizes in pixels that an image may be fitted to, (width, height); empty for a one-tile model.
  public var gridPinpoints: [PixelSize]
  /// Colour that a one-tile model's images are padded to a square with (8-bit sRGB); nil stretches instead.
  public var paddingColor: [UInt8]?

  public init(tileSize: Int, patchSize: Int, gridPinpoints: [PixelSize] = [], paddingColor: [UInt8]? = nil) {
    self.tileSize = tileSize
    self.patchSize = patchSize
    self.gridPinpoints = gridPinpoints
    self.paddingColor = paddingColor
  }

  /// Bytes of the largest tiled image these rules can make, its overview included.
  public var largestTiledImage: Int {
    let tiles = gridPinpoints.map { size in (size.width / tileSize) * (size.height / tileSize) }.max() ?? 0
    return (1 + tiles) * tileSize * tileSize * 3
  }
}

/// An image as the vision tower takes it, before normalisation.
public struct TiledImage: Sendable, Equatable {
  /// Side of a tile in pixels.
  public var tileSize: Int
  /// 8-bit sRGB, `[tile, row, column, channel]`; the first tile is the overview, then the grid's in raster order.
  public var pixels: [UInt8]
  /// Tiles of the grid without the overview; 0×0 for a one-tile model.
  public var grid: GridSize
  /// The decoded image's size, after orientation.
  public var originalSize: PixelSize

  /// Tiles with the overview.
  public var tileCount: Int { 1 + grid.columns * grid.rows }

  public init(tileSize: Int, pixels: [UInt8], grid: GridSize, originalSize: PixelSize) {
    self.tileSize = tileSize
    self.pixels = pixels
    self.grid = grid
    self.originalSize = originalSize
  }
}

/// An image's encoded bytes as fetched, with their digest.
public struct FetchedImage: Sendable, Equatable {
  public var bytes: Data
  /// SHA-256 of `bytes`, in hexadecimal.
  public var sha256: String

  public init(bytes: Data, sha256: String) {
    self.bytes = bytes
    self.sha256 = sha256
  }
}
