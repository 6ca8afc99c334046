import Images
import TokenSampling

/// An image as the model sees it, padding included, and the compressed token that shows each of its pixels.
struct TokenCanvas {
  let size: PixelSize
  /// `[row, column, channel]`.
  private let base: [UInt8]
  /// For each pixel the index of its token among the grid's; -1 where none shows it.
  private let owners: [Int32]

  /// - Parameters:
  ///   - photo: the image, scaled down.
  ///   - image: its own size.
  ///   - region: what the model sees of it; beyond the image lies padding.
  init(
    photo: Raster, image: PixelSize, region: PixelRectangle, padding: Color, tokens: TokenGrid,
    placement: GridPlacement
  ) {
    let (columnScale, rowScale) = (
      Double(image.width) / Double(photo.size.width), Double(image.height) / Double(photo.size.height)
    )
    // By the longer sides: the shorter one of a thin image is rounded most.
    let scale =
      Double(max(photo.size.width, photo.size.height)) / Double(max(image.width, image.height))
    size = PixelSize(
      width: max(1, Int((region.width * scale).rounded())),
      height: max(1, Int((region.height * scale).rounded())))
    let tokenOwners = tokens.owners
    var base: [UInt8] = []
    var owners: [Int32] = []
    base.reserveCapacity(3 * size.width * size.height)
    owners.reserveCapacity(size.width * size.height)
    for row in 0..<size.height {
      let y = region.y + (Double(row) + 0.5) * region.height / Double(size.height)
      let photoRow = Int((y / rowScale).rounded(.down))
      for column in 0..<size.width {
        let x = region.x + (Double(column) + 0.5) * region.width / Double(size.width)
        let photoColumn = Int((x / columnScale).rounded(.down))
        if photoRow >= 0, photoRow < photo.size.height, photoColumn >= 0, photoColumn < photo.size.width {
          let start = 3 * (photoRow * photo.size.width + photoColumn)
          base += photo.pixels[start..<start + 3]
        } else {
          base += [padding.red, padding.green, padding.blue]
        }
        owners.append(placement.place(x: x, y: y).map { Int32(tokenOwners[$0]) } ?? -1)
      }
    }
    self.base = base
    self.owners = owners
  }

  /// How a token's pixels are shown.
  struct Tint {
    /// Laid over the image.
    var color: Color
    var opacity: Double
    /// Of the image below: 0 is grey, 1 its own colours.
    var saturation = 1.0
    var brightness = 1.0
  }

  /// The image with each token's tint over it.
  ///
  /// - Parameters:
  ///   - tints: one for each token.
  ///   - outside: for pixels that no token shows.
  ///   - outline: drawn around each token; nil for none.
  func painted(_ tints: [Tint], outside: Tint, outline: Color? = nil) -> Raster {
    let tints = (tints + [outside]).map(FixedTint.init)
    var pixels = base
    for row in 0..<size.height {
      for column in 0..<size.width {
        let place = row * size.width + column
        let owner = owners[place]
        let tint = tints[owner < 0 ? tints.count - 1 : Int(owner)]
        tint.apply(to: &pixels, at: 3 * place)
        if let outline, isEdge(row: row, column: column) {
          pixels.replaceSubrange(3 * place..<3 * place + 3, with: [outline.red, outline.green, outline.blue])
        }
      }
    }
    return Raster(size: size, pixels: pixels)
  }

  /// Whether a neighbour shows another token: the pixels on both sides of a border, so that the line is still seen
  /// when the page shows the picture smaller.
  private func isEdge(row: Int, column: Int) -> Bool {
    let place = row * size.width + column
    let owner = owners[place]
    return column > 0 && owners[place - 1] != owner || row > 0 && owners[place - size.width] != owner
      || column + 1 < size.width && owners[place + 1] != owner
      || row + 1 < size.height && owners[place + size.width] != owner
  }

  /// A tint in whole 256ths: pixels are many.
  private struct FixedTint {
    let color: (Int, Int, Int)
    let own: Int
    let grey: Int

    init(_ tint: Tint) {
      let opacity = 256 * tint.opacity
      color = (
        Int(Double(tint.color.red) * opacity), Int(Double(tint.color.green) * opacity),
        Int(Double(tint.color.blue) * opacity)
      )
      let rest = 256 * (1 - tint.opacity) * tint.brightness
      own = Int(rest * tint.saturation)
      grey = Int(rest * (1 - tint.saturation))
    }

    @inline(__always) func apply(to pixels: inout [UInt8], at start: Int) {
      let (red, green, blue) = (Int(pixels[start]), Int(pixels[start + 1]), Int(pixels[start + 2]))
      let mean = (77 * red + 151 * green + 28 * blue) >> 8
      pixels[start] = UInt8(clamping: (color.0 + own * red + grey * mean) >> 8)
      pixels[start + 1] = UInt8(clamping: (color.1 + own * green + grey * mean) >> 8)
      pixels[start + 2] = UInt8(clamping: (color.2 + own * blue + grey * mean) >> 8)
    }
  }
}
