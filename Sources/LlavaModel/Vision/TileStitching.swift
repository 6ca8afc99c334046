import Answering
import TokenSampling

/// Puts the tiles' visual tokens back in their places: the overview, and the stitched map without its padding.
///
/// The reference is Hugging Face's `pack_image_features`.
struct TileStitching {
  let patchesPerSide: Int
  let channels: Int
  /// Whether the model knows grids of tiles.
  let isTiled: Bool

  /// `features` is `[tile, patch, channels]`.
  func assemble(_ features: [Float], of image: TiledImage) -> EncodedImage {
    let side = GridSize(columns: patchesPerSide, rows: patchesPerSide)
    let overview = FeatureMap(
      features: Array(features.prefix(side.count * channels)), size: side, channels: channels)
    let none = FeatureMap(features: [], size: GridSize(columns: 0, rows: 0), channels: channels)
    guard image.grid.count > 0 else { return EncodedImage(overview: overview, local: none, isTiled: isTiled) }
    let padded = GridSize(
      columns: image.grid.columns * patchesPerSide, rows: image.grid.rows * patchesPerSide)
    let region = AnyResolution.unpaddedRegion(of: padded, image: image.originalSize)
    let size = GridSize(columns: region.columns.count, rows: region.rows.count)
    let tokens = [Float](unsafeUninitializedCapacity: size.count * channels) { out, count in
      features.withUnsafeBufferPointer { features in
        guard let source = features.baseAddress, var target = out.baseAddress else { return }
        for row in region.rows {
          var column = region.columns.lowerBound
          while column < region.columns.upperBound {
            // As far as the tile reaches: its tokens of one row lie side by side.
            let tile = 1 + row / patchesPerSide * image.grid.columns + column / patchesPerSide
            let inTile = column % patchesPerSide
            let run = min(patchesPerSide - inTile, region.columns.upperBound - column)
            let token = (tile * patchesPerSide + row % patchesPerSide) * patchesPerSide + inTile
            target.initialize(from: source + token * channels, count: run * channels)
            target += run * channels
            column += run
          }
        }
      }
      count = size.count * channels
    }
    let local = FeatureMap(features: tokens, size: size, channels: channels)
    return EncodedImage(overview: overview, local: local, isTiled: isTiled)
  }
}
