import Foundation

/// The files of one model.
public struct ModelFiles: Sendable, Equatable {
  /// GGUF of the language model.
  public var language: String
  /// GGUF of the vision tower and projector (`mmproj`).
  public var vision: String
  /// GGUF of the samplers; nil where the model was trained without.
  public var sampler: String?
  /// Expected SHA-256 digests in hexadecimal, by file; files not named are not pinned.
  public var pinned: [String: String]

  public init(language: String, vision: String, sampler: String? = nil, pinned: [String: String] = [:]) {
    self.language = language
    self.vision = vision
    self.sampler = sampler
    self.pinned = pinned
  }

  /// `language.gguf`, `vision.gguf` and, where there is one, `sampler.gguf` in `directory`.
  public init(directory: String) {
    let folder = URL(fileURLWithPath: directory, isDirectory: true)
    let sampler = folder.appendingPathComponent("sampler.gguf").path
    self.init(
      language: folder.appendingPathComponent("language.gguf").path,
      vision: folder.appendingPathComponent("vision.gguf").path,
      sampler: FileManager.default.fileExists(atPath: sampler) ? sampler : nil)
  }
}
