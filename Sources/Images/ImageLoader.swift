import Answering
import Crypto
import Foundation
import TokenSampling

/// Fetches images within `ImageAccess`, and decodes and tiles them, within `ImageLimits`.
///
/// Fetching and decoding block, so each has threads of its own: slow servers do not hold decoding up.
public final class ImageLoader: ImageSource {
  private let web: WebImages
  private let limits: ImageLimits
  private let fetchThreads: BlockingThreads
  private let decodeThreads: BlockingThreads

  /// - Parameters:
  ///   - fetchThreads: images fetched at once.
  ///   - decodeThreads: images decoded at once, one core each.
  public convenience init(
    access: ImageAccess, limits: ImageLimits = ImageLimits(), fetchThreads: Int = 8, decodeThreads: Int = 2
  ) {
    self.init(
      web: WebImages(access: access, limits: limits), fetchThreads: fetchThreads, decodeThreads: decodeThreads
    )
  }

  init(web: WebImages, fetchThreads: Int = 2, decodeThreads: Int = 2) {
    self.web = web
    limits = web.limits
    self.fetchThreads = BlockingThreads(name: "image-fetch", count: fetchThreads)
    self.decodeThreads = BlockingThreads(
      name: "image-decode", count: decodeThreads, atEnd: VipsLibrary.endThread)
  }

  /// Throws `Rejection` with an `image_…` code, or `CancellationError` when the task is cancelled.
  public func fetch(_ reference: ImageReference) async throws -> FetchedImage {
    switch reference {
    case .data(let data):
      guard data.count <= limits.maxBytes else { throw ImageFile.tooLarge("in the job", limits.maxBytes) }
      return try Self.fetched(data, name: "in the job")
    case .uri(let uri):
      return try await fetchThreads.run { [self] flag in
        try Self.fetched(bytes(of: uri, flag: flag), name: ImageURL.redacted(uri))
      }
    }
  }

  /// Throws `Rejection` with an `image_…` code, or `CancellationError` when the task is cancelled.
  public func tiles(of image: FetchedImage, rules: TilingRules) async throws -> TiledImage {
    try await decodeThreads.run { [limits] flag in
      let deadline = DecodeDeadline(seconds: limits.decodeSeconds, flag: flag)
      return try ImageDecoder(limits: limits, deadline: deadline).withImage(image.bytes) { picture in
        try Tiling(rules: rules, deadline: deadline).tiles(of: picture)
      }
    }
  }

  /// The image for people to look at: upright, as it is tiled, its longer side at most `longestSide` pixels.
  ///
  /// Throws as `tiles(of:rules:)` does.
  public func raster(of image: FetchedImage, longestSide: Int) async throws -> Raster {
    try await decodeThreads.run { [limits] flag in
      let deadline = DecodeDeadline(seconds: limits.decodeSeconds, flag: flag)
      return try ImageDecoder(limits: limits, deadline: deadline).withImage(image.bytes) { picture in
        let scale = min(1, Double(longestSide) / Double(max(picture.width, picture.height)))
        let size = PixelSize(
          width: max(1, Int((Double(picture.width) * scale).rounded())),
          height: max(1, Int((Double(picture.height) * scale).rounded())))
        let failed = Rejection(.internal, "the image cannot be resized to \(size.width)×\(size.height)")
        return Raster(
          size: size, pixels: try Resizing(of: picture).stretched(to: size).pixels(deadline, orThrow: failed))
      }
    }
  }

  /// The picture as a PNG file.
  public func png(_ raster: Raster) async throws -> Data {
    try await decodeThreads.run { _ in try PNGEncoder.encode(raster) }
  }

  private static func fetched(_ data: Data, name: String) throws -> FetchedImage {
    guard !data.isEmpty else {
      throw Rejection(.imageUndecodable, "image \(name) has no bytes; store it again")
    }
    let digest = SHA256.hash(data: data).map { byte in
      String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }
    return FetchedImage(bytes: data, sha256: digest.joined())
  }

  private func bytes(of uri: String, flag: CancellationFlag) throws -> Data {
    guard let scheme = Self.scheme(of: uri) else { return try file(uri, name: uri) }
    switch scheme {
    case "s3": return try web.fetchObject(uri, flag: flag)
    case "data":
      throw Rejection(.imageForbidden, "the image is a data: URL; put its base64 into the job's image.data")
    default:
      let url = try ImageURL(uri)
      let name = ImageURL.redacted(uri)
      guard url.scheme == "file" else { return try web.fetch(url, name: name, flag: flag) }
      return try file(url.path, name: name)
    }
  }

  private func file(_ path: String, name: String) throws -> Data {
    guard let root = web.access.root else {
      throw Rejection(
        .imageForbidden,
        "image \(ImageURL.redacted(name)) is a file, and files are off; set --image-root to read them")
    }
    return try ImageFile.read(path, under: root, maxBytes: limits.maxBytes)
  }

  /// The scheme in lower case; nil for a path. A relative path with a colon in its first part needs `./` before.
  private static func scheme(of uri: String) -> String? {
    guard let colon = uri.firstIndex(of: ":"), let first = uri.utf8.first else { return nil }
    let letters = (0x41...0x5A).contains(first) || (0x61...0x7A).contains(first)
    let scheme = uri[..<colon].lowercased()
    let others = Set("abcdefghijklmnopqrstuvwxyz0123456789+-.".utf8)
    return letters && scheme.utf8.allSatisfy(others.contains) ? scheme : nil
  }
}
