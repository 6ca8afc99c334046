import Foundation

/// What a file holds that cannot be one of jobs, told by its first bytes.
enum BinaryContent: Equatable {
  case image(String)
  case packed(String)
  case utf16
  case other

  /// nil for text, however wrong it is as jobs: its lines are refused one by one.
  init?(beginning: Data) {
    let start = Array(beginning.prefix(512))
    func has(_ bytes: [UInt8], at offset: Int = 0) -> Bool { start.dropFirst(offset).starts(with: bytes) }
    func has(_ text: String, at offset: Int = 0) -> Bool { has(Array(text.utf8), at: offset) }
    if has([0xFF, 0xD8, 0xFF]) {
      self = .image("a JPEG image")
    } else if has([0x89, 0x50, 0x4E, 0x47]) {
      self = .image("a PNG image")
    } else if has("GIF8") {
      self = .image("a GIF image")
    } else if has("RIFF"), has("WEBP", at: 8) {
      self = .image("a WebP image")
    } else if has([0x49, 0x49, 0x2A, 0]) || has([0x4D, 0x4D, 0, 0x2A]) {
      self = .image("a TIFF image")
    } else if has([0, 0, 0]), has("ftyp", at: 4) {
      self = .image("a HEIF image or a video")
    } else if has([0x1F, 0x8B]) || has([0x28, 0xB5, 0x2F, 0xFD]) || has("PK\u{3}\u{4}") {
      self = .packed("packed (gzip, zstd or ZIP)")
    } else if has([0xFF, 0xFE]) || has([0xFE, 0xFF]) {
      self = .utf16
    } else if start.contains(0), start.first != UInt8(ascii: "{") {
      self = .other
    } else {
      return nil
    }
  }

  /// What it is and what to do, in words that go on after the file's name.
  var advice: String {
    switch self {
    case .image(let name):
      "is \(name), not a file of jobs; give the folder that it is in with --images and --question, "
        + "or name it in a file of jobs"
    case .packed(let how): "is \(how); unpack it first"
    case .utf16: "is UTF-16 text; save it as UTF-8"
    case .other: "is binary, not a file of jobs; give lines of JSON, or a folder of images with --images"
    }
  }
}
