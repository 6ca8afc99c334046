import Foundation

/// Where images may be read from. Everything is closed until it is named here.
public struct ImageAccess: Sendable {
  /// The folder that `file:` URLs and paths stay under, without symbolic links; nil refuses them.
  let root: String?
  /// Hosts that `http:` and `https:` URLs may name; none refuses them.
  let allowedHosts: [AllowedHost]
  /// Where `s3:` references are read from; nil refuses them.
  let store: S3Store?

  /// - Parameters:
  ///   - imageRoot: a folder (`--image-root`).
  ///   - allowHosts: hosts as `AllowedHost` documents them (`--allow-host`).
  ///   - s3Endpoint: an `http:` or `https:` URL (`--s3-endpoint`). As the operator names it, not a job, it may
  ///     resolve to a private or loopback address.
  ///   - environment: where the `AWS_…` credentials and region are read from.
  /// - Throws: `InvalidImageAccess`.
  public init(
    imageRoot: String? = nil, allowHosts: [String] = [], s3Endpoint: String? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    root = try imageRoot.map(Self.folder)
    allowedHosts = try allowHosts.map(AllowedHost.init)
    store = try s3Endpoint.map { try S3Store(endpoint: $0, environment: environment) }
  }

  private static func folder(_ path: String) throws -> String {
    var isFolder: ObjCBool = false
    guard let resolved = resolvedPath(path),
      FileManager.default.fileExists(atPath: resolved, isDirectory: &isFolder), isFolder.boolValue
    else { throw InvalidImageAccess("image root \(path) is not a folder that can be read; name one that is") }
    return resolved
  }
}

/// A setting of image access that cannot be used, in words for whoever set it.
public struct InvalidImageAccess: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}
