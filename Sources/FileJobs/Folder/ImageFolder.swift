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
    var images: [String] = []
    // Paths within it, each with a slash at its end.
    var folders = [""]
    while let folder = folders.popLast() {
      for entry in try FolderEntry.all(in: path + "/" + folder) where !entry.name.hasPrefix(".") {
        let name = folder + entry.name
        if entry.isFolder {
          if !entry.isLinked { folders.append(name + "/") }
        } else if Self.extensions.contains(URL(filePath: name).pathExtension.lowercased()) {
          images.append(name)
        }
      }
    }
    guard !images.isEmpty else { throw .noImages(path: path) }
    return images.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
