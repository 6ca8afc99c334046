import Answering
import CVips
import TokenSampling

/// Resizes as Pillow's bicubic does: Catmull-Rom (a = -0.5), widened over all source pixels when reducing.
struct Resizing {
  let image: Picture

  init(of image: Picture) {
    self.image = image
  }

  private static let failed = Rejection(.internal, "libvips cannot resize the image")

  /// libvips' kernels reach no further. Beyond it a box average goes first, far below what a tile shows.
  private static let longestReduction = 256.0

  /// To exactly this size, whatever the aspect ratio.
  func stretched(to size: PixelSize) throws -> Picture {
    let reduced = try reduced(
      to: PixelSize(width: min(size.width, image.width), height: min(size.height, image.height)))
    guard reduced.width < size.width || reduced.height < size.height else { return reduced }
    return try reduced.then(orThrow: Self.failed) {
      cvips_enlarge(
        $0, Double(size.width) / Double(reduced.width), Double(size.height) / Double(reduced.height),
        Int32(size.width), Int32(size.height))
    }
  }

  /// Padded to a square with the colour, then to a square of this side. The long side is reduced before padding,
  /// which changes nothing in the result and keeps the square of a 1×65,000 image from being computed.
  func padded(to side: Int, color: [UInt8]) throws -> Picture {
    let square = max(image.width, image.height)
    let isWide = image.width > image.height
    let long = try reduced(
      to: isWide
        ? PixelSize(width: min(side, image.width), height: image.height)
        : PixelSize(width: image.width, height: min(side, image.height)))
    let canvas = PixelSize(width: isWide ? long.width : square, height: isWide ? square : long.height)
    let onSquare = try long.placed(
      x: (canvas.width - long.width) / 2, y: (canvas.height - long.height) / 2, on: canvas, color: color)
    return try Resizing(of: onSquare).stretched(to: PixelSize(width: side, height: side))
  }

  private func reduced(to size: PixelSize) throws -> Picture {
    guard size.width < image.width || size.height < image.height else { return image }
    let boxes = (
      Int32(Double(image.width) / Double(size.width) / Self.longestReduction),
      Int32(Double(image.height) / Double(size.height) / Self.longestReduction)
    )
    let source =
      boxes.0 > 1 || boxes.1 > 1
      ? try image.then(orThrow: Self.failed) { cvips_box_shrink($0, max(1, boxes.0), max(1, boxes.1)) }
      : image
    return try source.then(orThrow: Self.failed) {
      cvips_reduce(
        $0, Double(source.width) / Double(size.width), Double(source.height) / Double(size.height))
    }
  }
}

extension Picture {
  /// On a canvas of one colour, its upper left corner at (x, y).
  func placed(x: Int, y: Int, on canvas: PixelSize, color: [UInt8]) throws -> Picture {
    guard canvas.width != width || canvas.height != height else { return self }
    let color = (0..<3).map { $0 < color.count ? Double(color[$0]) : 0 }
    return try then(orThrow: Rejection(.internal, "libvips cannot pad the image")) {
      cvips_place(
        $0, Int32(x), Int32(y), Int32(canvas.width), Int32(canvas.height), color[0], color[1], color[2])
    }
  }
}
