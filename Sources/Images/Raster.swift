import TokenSampling

/// 8-bit sRGB pixels in memory, `[row, column, channel]`.
public struct Raster: Sendable, Equatable {
  public let size: PixelSize
  public let pixels: [UInt8]

  /// `pixels` must hold three bytes for each pixel.
  public init(size: PixelSize, pixels: [UInt8]) {
    precondition(pixels.count == 3 * size.width * size.height, "a raster has three bytes for each pixel")
    self.size = size
    self.pixels = pixels
  }
}
