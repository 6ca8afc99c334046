import Answering
import Foundation

/// An S3-compatible object store: its endpoint, and credentials for signing (AWS Signature Version 4).
struct S3Store: Sendable {
  /// Without a final slash.
  let endpoint: String
  let region: String
  /// nil sends requests unsigned, for public buckets.
  let credentials: Credentials?

  struct Credentials: Sendable, CustomStringConvertible {
    var accessKey: String
    var secretKey: String
    var sessionToken: String?

    var description: String { "credentials (hidden)" }
  }

  /// Throws `InvalidImageAccess`.
  init(endpoint: String, environment: [String: String]) throws {
    guard let url = try? ImageURL(endpoint), url.scheme != "file", url.path == "/",
      !endpoint.contains("?"), !endpoint.contains("#")
    else {
      throw InvalidImageAccess(
        "S3 endpoint \(ImageURL.redacted(endpoint)) is no http or https URL of a host; write "
          + "https://s3.eu-central-1.amazonaws.com")
    }
    self.endpoint = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
    // Empty is unset, as for the other settings: Compose passes on what is not set as that.
    let environment = environment.filter { !$0.value.isEmpty }
    region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? "us-east-1"
    if let accessKey = environment["AWS_ACCESS_KEY_ID"], let secretKey = environment["AWS_SECRET_ACCESS_KEY"]
    {
      credentials = Credentials(
        accessKey: accessKey, secretKey: secretKey, sessionToken: environment["AWS_SESSION_TOKEN"])
    } else {
      credentials = nil
    }
  }

  /// The URL of an object, its bucket in the path. As in the AWS command line, everything after the bucket is the
  /// key: nothing in it is decoded.
  ///
  /// - Throws: `Rejection(.imageForbidden)`.
  func url(of reference: String) throws -> ImageURL {
    let parts = reference.dropFirst("s3://".count).split(separator: "/", maxSplits: 1)
    let bucketBytes = Set("abcdefghijklmnopqrstuvwxyz0123456789.-".utf8)
    guard reference.lowercased().hasPrefix("s3://"), parts.count == 2,
      (3...63).contains(parts[0].utf8.count), parts[0].utf8.allSatisfy(bucketBytes.contains),
      !parts[0].contains(".."), !parts[1].split(separator: "/").contains(where: { $0 == "." || $0 == ".." })
    else {
      throw Rejection(
        .imageForbidden,
        "image \(ImageURL.redacted(reference)) is no s3://bucket/key reference; check its spelling")
    }
    return try ImageURL("\(endpoint)/\(parts[0])/\(Self.encoded(parts[1]))")
  }

  /// Headers that belong to a signed request. libcurl before 8 leaves out the first, which S3 demands.
  var headers: [String] {
    guard let credentials else { return [] }
    let token = credentials.sessionToken.map { ["x-amz-security-token: \($0)"] } ?? []
    return ["x-amz-content-sha256: UNSIGNED-PAYLOAD"] + token
  }

  private static func encoded(_ key: Substring) -> String {
    let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/".utf8)
    return key.utf8.map { byte in
      plain.contains(byte)
        ? String(UnicodeScalar(byte))
        : "%" + String(byte >> 4, radix: 16, uppercase: true)
          + String(byte & 15, radix: 16, uppercase: true)
    }.joined()
  }
}
