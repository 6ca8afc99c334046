import Foundation

/// Where a report goes. Replaces earlier reports, and nothing else: an output that was meant for another command must
/// not cost its results.
struct ReportFiles: Sendable {
  /// The page.
  var page: String?
  /// The folder of the pictures.
  var pictures: String?
  /// What the pictures' names begin with: the image's.
  var stem: String

  static let pageStart = "<!doctype html>"

  /// Finds what cannot be written before a large model is loaded. Throws `Failure`.
  init(page: String?, pictures: String?, image: String) throws {
    guard page != nil || pictures != nil else {
      throw Failure.unusable("no place for the report: add --output FILE.html or --png DIRECTORY")
    }
    self.page = page
    self.pictures = pictures
    stem = Self.stem(of: image)
    if let page {
      if page == "-" { throw Failure.unusable("--output -: the page needs a file: name one") }
      try Self.checkFolder(of: page)
      try Self.checkReplaceable(page, "--output", isOurs: Self.isPage)
    }
    if let pictures, FileManager.default.fileExists(atPath: pictures), !Self.isFolder(pictures) {
      throw Failure.unusable("--png \(pictures) is no folder: name one, or one to be made")
    }
  }

  func path(ofPicture name: String) -> String {
    URL(fileURLWithPath: pictures ?? ".").appendingPathComponent("\(stem)-\(name).png").path
  }

  /// Writes the file whole, or leaves what was there.
  func write(_ data: Data, to path: String, replacing isOurs: (Data) -> Bool) throws {
    try Self.checkReplaceable(path, path == page ? "--output" : "--png", isOurs: isOurs)
    do {
      try data.write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw Failure.environment("cannot write \(path): \(Self.reason(error))")
    }
  }

  func makePictureFolder() throws {
    guard let pictures else { return }
    do {
      try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
    } catch {
      throw Failure.environment("cannot make the folder \(pictures): \(Self.reason(error))")
    }
  }

  /// Whether the file begins as a page of ours does.
  static func isPage(_ start: Data) -> Bool {
    String(decoding: start.prefix(pageStart.utf8.count), as: UTF8.self) == pageStart
  }

  static func isPNG(_ start: Data) -> Bool { start.starts(with: [0x89, 0x50, 0x4E, 0x47]) }

  // MARK: Checks

  private static func checkReplaceable(_ path: String, _ flag: String, isOurs: (Data) -> Bool) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    guard !isFolder(path) else { throw Failure.unusable("\(flag) \(path) is a folder: name a file in it") }
    // Reading from a terminal or a pipe would wait for ever.
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let kind = try? FileManager.default.attributesOfItem(atPath: target)[.type] as? FileAttributeType
    guard kind == .typeRegular else { throw Failure.unusable("\(flag) \(path) is no regular file: name one") }
    guard let file = FileHandle(forReadingAtPath: path), let start = try? file.read(upToCount: 64) ?? Data()
    else { throw Failure.environment("cannot write \(path): it exists and cannot be read") }
    guard start.isEmpty || isOurs(start) else {
      throw Failure.unusable(
        "\(flag) \(path) exists and is no earlier report: choose another name, or delete it first")
    }
  }

  private static func checkFolder(of path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard isFolder(folder) else {
      throw Failure.unusable("--output \(path): there is no folder \(folder); make it first")
    }
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw Failure.environment("--output \(path): the folder \(folder) may not be written")
    }
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// The last part of an image's name without its extension, in characters that every file system takes.
  private static func stem(of image: String) -> String {
    let path = image.prefix { $0 != "?" && $0 != "#" }
    let last = path.split(separator: "/").last.map(String.init) ?? ""
    let name = last.split(separator: ".").dropLast(last.contains(".") ? 1 : 0).joined(separator: ".")
    let plain = name.unicodeScalars.map { scalar in
      scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "-_.".unicodeScalars.contains(scalar)
        ? Character(scalar) : "-"
    }
    return plain.isEmpty ? "image" : String(plain.prefix(100))
  }

  /// The system's own words where it has some.
  private static func reason(_ error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    if let code = underlying?.code, underlying?.domain == NSPOSIXErrorDomain {
      return String(cString: strerror(Int32(code)))
    }
    return (error as NSError).localizedDescription
  }
}
