import TokenSampling

extension TilingRules {
  private var sides: TileSides { TileSides(tile: tileSize, patch: patchSize) }

  /// What the overview tile shows of an image of this size: all of it, or the square that pads it.
  public func overviewRegion(of image: PixelSize) -> PixelRectangle {
    gridPinpoints.isEmpty && paddingColor != nil ? PixelRectangle(squareAround: image) : PixelRectangle(image)
  }

  /// Where the overview's tokens lie on an image of this size.
  public func overviewPlacement(on image: PixelSize) -> GridPlacement {
    GridPlacement(tileOf: overviewRegion(of: image), sides)
  }

  /// Where the sampled map's tokens lie: those of the grid, or the overview's, which is sampled where there are none.
  public func mapPlacement(on image: PixelSize, isOverview: Bool) -> GridPlacement {
    isOverview
      ? overviewPlacement(on: image) : GridPlacement(mapOf: image, among: gridPinpoints, sides)
  }
}
