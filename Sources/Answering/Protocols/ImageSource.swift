/// Turns a job's image reference into bytes, and bytes into tiles, under limits.
public protocol ImageSource: Sendable {
  /// Throws `Rejection` with an `image_…` code.
  func fetch(_ reference: ImageReference) async throws -> FetchedImage

  /// Decodes, orients, converts to sRGB and tiles. Throws `Rejection` with an `image_…` code.
  func tiles(of image: FetchedImage, rules: TilingRules) async throws -> TiledImage
}
