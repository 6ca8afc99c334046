import Foundation

/// The files of one model.
public struct ModelFiles: Sendable, Equatable {
  /// GGUF of the language model.
  public var language: String
  /// GGUF of the vision tower and projector (`mmproj`).
  public var vision: String
  /// Expected SHA-256 digests in hexadecimal, by file; files not named are not pinned.
  public var pinned: [String: String]

  public init(language: String, vision: String, pinned: [String: String] = [:]) {
    self.language = language
    self.vision = vision
    self.pinned = pinned
  }

  /// `language.gguf` and `vision.gguf` in `directory`.
  public init(directory: String) {
    let folder = URL(fileURLWithPath: directory, isDirectory: true)
    self.init(
      language: folder.appendingPathComponent("language.gguf").path,
      vision: folder.appendingPathComponent("vision.gguf").path)
  }
}
