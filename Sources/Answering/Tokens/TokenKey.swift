import Crypto
import Foundation

/// Names a compressed image: the image's bytes, and everything that decides what its tokens are.
public struct TokenKey: Sendable, Hashable, CustomStringConvertible {
  /// SHA-256, 32 bytes.
  public let digest: [UInt8]

  /// - Parameters:
  ///   - imageSHA256: of the image's encoded bytes, in hexadecimal.
  ///   - recipe: the model's `TokenRecipe.digest` for the job's compression.
  public init(imageSHA256: String, recipe: String) {
    digest = Array(SHA256.hash(data: Data("focus tokens 1\n\(imageSHA256)\n\(recipe)".utf8)))
  }

  /// nil unless there are 32 bytes.
  public init?(digest: [UInt8]) {
    guard digest.count == SHA256.byteCount else { return nil }
    self.digest = digest
  }

  public var description: String { hexadecimal }

  public var hexadecimal: String { digest.map { String(format: "%02x", $0) }.joined() }
}
