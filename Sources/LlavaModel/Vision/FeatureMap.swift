import Answering
import TokenSampling

/// Puts the tiles' visual tokens back in their places: overview, then the stitched map without its padding.
///
/// The reference is Hugging Face's `pack_image_features`.
struct FeatureMap {
  let patchesPerSide: Int
  let channels: Int

  /// `features` is `[tile, patch, channels]`.
  func assemble(_ features: [Float], of image: TiledImage) -> CompressedImage {
    let overview = patchesPerSide * patchesPerSide
    guard image.grid.count > 0 else {
      return CompressedImage(
        features: features, channels: channels, newlines: [], map: GridSize(columns: 0, rows: 0),
        encodedTokens: overview)
    }
    let padded = GridSize(
      columns: image.grid.columns * patchesPerSide, rows: image.grid.rows * patchesPerSide)
    let region = AnyResolution.unpaddedRegion(of: padded, image: image.originalSize)
    let map = GridSize(columns: region.columns.count, rows: region.rows.count)
    let total = overview + map.count
    let tokens = [Float](unsafeUninitializedCapacity: total * channels) { out, count in
      features.withUnsafeBufferPointer { features in
        guard let source = features.baseAddress, var target = out.baseAddress else { return }
        target.initialize(from: source, count: overview * channels)
        target += overview * channels
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
      count = total * channels
    }
    return CompressedImage(
      features: tokens, channels: channels,
      newlines: (0..<map.rows).map { overview + ($0 + 1) * map.columns }, map: map, encodedTokens: total)
  }
}
