import Answering
import TokenSampling

/// Cuts a decoded image into the tiles that the vision tower takes, as Hugging Face's LLaVA and LLaVA-NeXT
/// processors do.
struct Tiling {
  let rules: TilingRules
  let deadline: DecodeDeadline

  /// Throws `Rejection` when time is up.
  func tiles(of image: Picture) throws -> TiledImage {
    let tile = rules.tileSize
    let size = PixelSize(width: image.width, height: image.height)
    let whole = PixelSize(width: tile, height: tile)
    guard !rules.gridPinpoints.isEmpty else {
      let resizing = Resizing(of: image)
      let square =
        try rules.paddingColor.map { try resizing.padded(to: tile, color: $0) }
        ?? resizing.stretched(to: whole)
      return TiledImage(
        tileSize: tile, pixels: try pixels(square), grid: GridSize(columns: 0, rows: 0), originalSize: size)
    }
    let overview = try Resizing(of: image).stretched(to: whole)
    let canvas = AnyResolution.bestPinpoint(for: size, among: rules.gridPinpoints)
    let fitted = AnyResolution.fittedSize(of: size, in: canvas)
    let map = try Resizing(of: image).stretched(to: fitted).placed(
      x: (canvas.width - fitted.width) / 2, y: (canvas.height - fitted.height) / 2, on: canvas,
      color: [0, 0, 0])
    let grid = GridSize(columns: canvas.width / tile, rows: canvas.height / tile)
    return TiledImage(
      tileSize: tile, pixels: try pixels(overview) + cut(try pixels(map), grid: grid, width: canvas.width),
      grid: grid, originalSize: size)
  }

  private func pixels(_ picture: Picture) throws -> [UInt8] {
    try picture.pixels(
      deadline,
      orThrow: Rejection(.internal, "the image cannot be resized to \(picture.width)×\(picture.height)"))
  }

  /// Tiles in raster order, `[tile, row, column, channel]`, of a canvas `[row, column, channel]`.
  private func cut(_ canvas: [UInt8], grid: GridSize, width: Int) -> [UInt8] {
    let rowBytes = rules.tileSize * 3
    var tiles: [UInt8] = []
    tiles.reserveCapacity(canvas.count)
    for tileRow in 0..<grid.rows {
      for tileColumn in 0..<grid.columns {
        for row in 0..<rules.tileSize {
          let start = (tileRow * rules.tileSize + row) * width * 3 + tileColumn * rowBytes
          tiles += canvas[start..<(start + rowBytes)]
        }
      }
    }
    return tiles
  }
}
