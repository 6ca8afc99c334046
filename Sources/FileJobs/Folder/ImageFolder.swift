import Answering
import Foundation

/// A folder of images, each asked the same questions.
public struct ImageFolder: Sendable {
  /// File names are only a hint: what an image is, its bytes decide later.
  static let extensions: Set<String> = [
    "avif", "gif", "heic", "heif", "jpeg", "jpg", "png", "tif", "tiff", "webp",
  ]

  /// Searched with its subfolders; hidden files and linked folders are passed over.
  public var path: String
  /// Asked of every image.
  public var questions: [Question]
  public var compression: Compression?
  /// Extension of the text file written beside each image, with or without its dot; nil for none.
  public var sidecarExtension: String?

  public init(
    path: String, questions: [Question], compression: Compression? = nil, sidecarExtension: String? = nil
  ) {
    self.path = path
    self.questions = questions
    self.compression = compression
    self.sidecarExtension = sidecarExtension.map { $0.hasPrefix(".") ? String($0.dropFirst()) : $0 }
  }

  /// Paths of the images within the folder, sorted by their bytes.
  func images() throws(FileJobsError) -> [String] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue,
      let names = FileManager.default.enumerator(atPath: path)
    else { throw .cannotOpen(path: path, reason: "it is not a folder that can be read") }
    var images: [String] = []
    for case let name as String in names where !Self.isHidden(name) {
      if names.fileAttributes?[.type] as? FileAttributeType == .typeDirectory {
        // The enumerator passes over folders that it may not read, and says nothing.
        let folder = path + "/" + name
        guard FileManager.default.isReadableFile(atPath: folder) else {
          throw .cannotOpen(path: folder, reason: "this folder may not be read")
        }
      } else if Self.extensions.contains(URL(filePath: name).pathExtension.lowercased()) {
        images.append(name)
      }
    }
    guard !images.isEmpty else { throw .noImages(path: path) }
    return images.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func isHidden(_ name: String) -> Bool {
    name.split(separator: "/").contains { $0.hasPrefix(".") }
  }
}
