import Answering
import Crypto
import Foundation
import Synchronization

/// Names a model by the digests of its files.
struct ModelFingerprint {
  let identity: ModelIdentity
  /// SHA-256 of each file, in hexadecimal.
  let vision: String
  /// nil where there is no sampler file.
  let sampler: String?

  /// Throws `ModelError.digestMismatch` where a pinned file has another digest.
  static func digests(
    of files: ModelFiles, language: GGUFFile, vision: GGUFFile
  ) throws(ModelError) -> ModelFingerprint {
    var named = [(language.path, language.map), (vision.path, vision.map)]
    if let sampler = files.sampler { named.append((sampler, try MappedFile(path: sampler))) }
    let maps = named.map(\.1)
    let found = Mutex([Int: String]())
    // The language model's file is the largest: the others' digests are ready when its own is.
    DispatchQueue.concurrentPerform(iterations: maps.count) { index in
      let digest = maps[index].sha256()
      found.withLock { $0[index] = digest }
    }
    let digests = found.withLock { found in maps.indices.map { found[$0] ?? "" } }
    var combined = SHA256()
    for ((path, _), digest) in zip(named, digests) {
      if let expected = files.pinned[path], expected.lowercased() != digest {
        throw .digestMismatch(file: path, expected: expected, found: digest)
      }
      combined.update(data: Data(digest.utf8))
    }
    let name =
      language.string("general.name")
      ?? URL(fileURLWithPath: language.path).deletingPathExtension().lastPathComponent
    return ModelFingerprint(
      identity: ModelIdentity(
        name: name, fingerprint: combined.finalize().map { String(format: "%02x", $0) }.joined()),
      vision: digests[1], sampler: digests.count > 2 ? digests[2] : nil)
  }
}
