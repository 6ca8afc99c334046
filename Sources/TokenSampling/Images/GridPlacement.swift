/// A rectangle of an image, in its pixels. It reaches beyond the image where a model sees padding.
public struct PixelRectangle: Sendable, Equatable {
  public var x: Double
  public var y: Double
  public var width: Double
  public var height: Double

  public init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  /// All of an image.
  public init(_ image: PixelSize) {
    self.init(x: 0, y: 0, width: Double(image.width), height: Double(image.height))
  }

  /// The square that a one-tile model pads an image to: half of the padding on each side, in whole pixels.
  public init(squareAround image: PixelSize) {
    let side = max(image.width, image.height)
    self.init(
      x: -Double((side - image.width) / 2), y: -Double((side - image.height) / 2), width: Double(side),
      height: Double(side))
  }
}

/// How tiles are cut into patches, one for each visual token.
public struct TileSides: Sendable, Equatable {
  /// Sides in pixels.
  public var tile: Int
  public var patch: Int

  public init(tile: Int, patch: Int) {
    self.tile = tile
    self.patch = patch
  }

  /// Whole patches along a tile's side; what is left of the tile is not seen.
  public var patches: Int { tile / patch }
}

/// Where a grid of visual tokens lies on an image.
public struct GridPlacement: Sendable, Equatable {
  /// In tokens.
  public let grid: GridSize
  /// What the whole grid covers.
  public let frame: PixelRectangle

  public init(grid: GridSize, frame: PixelRectangle) {
    self.grid = grid
    self.frame = frame
  }

  /// The tokens of one tile that shows `region`: all of an image stretched, or the square around it.
  public init(tileOf region: PixelRectangle, _ sides: TileSides) {
    let share = Double(sides.patches * sides.patch) / Double(sides.tile)
    self.init(
      grid: GridSize(columns: sides.patches, rows: sides.patches),
      frame: PixelRectangle(
        x: region.x, y: region.y, width: region.width * share, height: region.height * share))
  }

  /// The unpadded map of an image that was fitted to the best of `pinpoints` (LLaVA-NeXT). Only whole tokens are cut
  /// off as padding, so its edges are up to a token away from the image's.
  public init(mapOf image: PixelSize, among pinpoints: [PixelSize], _ sides: TileSides) {
    let canvas = AnyResolution.bestPinpoint(for: image, among: pinpoints)
    let fitted = AnyResolution.fittedSize(of: image, in: canvas)
    let padded = GridSize(
      columns: canvas.width / sides.tile * sides.patches, rows: canvas.height / sides.tile * sides.patches)
    let region = AnyResolution.unpaddedRegion(of: padded, image: image)
    /// Image pixels from canvas tokens, along one side.
    func stretch(_ tokens: Range<Int>, of count: Int, canvas: Int, fitted: Int, image: Int) -> (
      Double, Double
    ) {
      let token = Double(canvas) / Double(count)
      let scale = Double(image) / Double(fitted)
      let start = (Double(tokens.lowerBound) * token - Double((canvas - fitted) / 2)) * scale
      return (start, Double(tokens.count) * token * scale)
    }
    let (x, width) = stretch(
      region.columns, of: padded.columns, canvas: canvas.width, fitted: fitted.width, image: image.width)
    let (y, height) = stretch(
      region.rows, of: padded.rows, canvas: canvas.height, fitted: fitted.height, image: image.height)
    self.init(
      grid: GridSize(columns: region.columns.count, rows: region.rows.count),
      frame: PixelRectangle(x: x, y: y, width: width, height: height))
  }

  /// What a window of the grid's tokens shows.
  public func rectangle(of window: TokenWindow) -> PixelRectangle {
    let (width, height) = (frame.width / Double(grid.columns), frame.height / Double(grid.rows))
    return PixelRectangle(
      x: frame.x + Double(window.columns.lowerBound) * width,
      y: frame.y + Double(window.rows.lowerBound) * height, width: Double(window.columns.count) * width,
      height: Double(window.rows.count) * height)
  }

  /// The place of the token, in raster order, that shows a point of the image; nil where none does.
  public func place(x: Double, y: Double) -> Int? {
    let column = ((x - frame.x) / frame.width * Double(grid.columns)).rounded(.down)
    let row = ((y - frame.y) / frame.height * Double(grid.rows)).rounded(.down)
    guard column >= 0, column < Double(grid.columns), row >= 0, row < Double(grid.rows) else { return nil }
    return Int(row) * grid.columns + Int(column)
  }
}
