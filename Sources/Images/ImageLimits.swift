/// Bounds on what one image may cost. Every one is enforced before or while the cost arises.
public struct ImageLimits: Sendable, Equatable {
  /// Pixels of an image, checked in its header before decoding. A decoding thread holds 3 bytes for each, and
  /// up to 6 more inside the decoder of a progressive file.
  public var maxPixels = 89_478_485
  /// Encoded bytes of an image, however it is referred to.
  public var maxBytes = 64 * 1024 * 1024
  /// Seconds for fetching one image, redirects and slow bodies included.
  public var fetchSeconds = 30.0
  /// Seconds for decoding and tiling one image. Checked between strips of rows: a decoder that makes the whole
  /// image in one call (WebP, HEIF, progressive JPEG) overruns by the length of that call.
  public var decodeSeconds = 30.0

  public init() {}

  /// A side beyond this is refused: resizing costs at least as much as the longer side times the tile's.
  static let maxSide = 1_000_000
  /// Redirects followed for one image.
  static let maxRedirects = 3
}
