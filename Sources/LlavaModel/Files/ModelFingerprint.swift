import Answering
import Crypto
import Foundation

/// Names a model by the digests of its files.
enum ModelFingerprint {
  /// Throws `ModelError.digestMismatch` where a pinned file has another digest.
  static func identity(
    language: GGUFFile, vision: GGUFFile, pinned: [String: String]
  ) throws(ModelError) -> ModelIdentity {
    var combined = SHA256()
    for file in [language, vision] {
      let digest = file.map.sha256()
      if let expected = pinned[file.path], expected.lowercased() != digest {
        throw .digestMismatch(file: file.path, expected: expected, found: digest)
      }
      combined.update(data: Data(digest.utf8))
    }
    let name =
      language.string("general.name")
      ?? URL(fileURLWithPath: language.path).deletingPathExtension().lastPathComponent
    return ModelIdentity(
      name: name, fingerprint: combined.finalize().map { String(format: "%02x", $0) }.joined())
  }
}
