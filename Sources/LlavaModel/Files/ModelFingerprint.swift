import Answering
import Crypto
import Foundation
import Synchronization

/// Names a model by the digests of its files.
enum ModelFingerprint {
  /// Throws `ModelError.digestMismatch` where a pinned file has another digest.
  static func identity(
    language: GGUFFile, vision: GGUFFile, pinned: [String: String]
  ) throws(ModelError) -> ModelIdentity {
    let files = [language, vision]
    let maps = files.map(\.map)
    let digests = Mutex([Int: String]())
    // The language model's file is the larger: the other's digest is ready when its own is.
    DispatchQueue.concurrentPerform(iterations: maps.count) { index in
      let digest = maps[index].sha256()
      digests.withLock { $0[index] = digest }
    }
    var combined = SHA256()
    for (index, file) in files.enumerated() {
      let digest = digests.withLock { $0[index] } ?? ""
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
