import Answering

/// Arranges tiles' pixels as the rows of the patch embedding's product, normalised.
struct PatchRows {
  private let side: Int
  private let patchesPerSide: Int
  private let tileSize: Int
  /// Normalised value of each 8-bit level, by channel: 3 × 256.
  private let levels: [Float]

  init(_ parameters: VisionParameters) {
    side = parameters.patchSize
    patchesPerSide = parameters.patchesPerSide
    tileSize = parameters.tileSize
    levels = (0..<3).flatMap { channel in
      (0..<256).map { (Float($0) / 255 - parameters.mean[channel]) / parameters.deviation[channel] }
    }
  }

  /// `[tile, patch, channel · row · column]` for the tiles of `image` in `tiles`.
  func of(_ image: TiledImage, tiles: Range<Int>) -> [Float] {
    let perTile = patchesPerSide * patchesPerSide * 3 * side * side
    return [Float](unsafeUninitializedCapacity: tiles.count * perTile) { rows, count in
      image.pixels.withUnsafeBufferPointer { pixels in
        levels.withUnsafeBufferPointer { levels in
          var place = 0
          for tile in tiles {
            let tileStart = tile * tileSize * tileSize * 3
            for patchRow in 0..<patchesPerSide {
              for patchColumn in 0..<patchesPerSide {
                for channel in 0..<3 {
                  for row in 0..<side {
                    var pixel =
                      tileStart + ((patchRow * side + row) * tileSize + patchColumn * side) * 3 + channel
                    for _ in 0..<side {
                      rows[place] = levels[channel << 8 | Int(pixels[pixel])]
                      place += 1
                      pixel += 3
                    }
                  }
                }
              }
            }
          }
        }
      }
      count = tiles.count * perTile
    }
  }
}
