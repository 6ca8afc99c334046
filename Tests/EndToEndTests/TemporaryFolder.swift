import Foundation

/// A folder for one test, removed with it, with the package's own files at hand.
final class TemporaryFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "focus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
  }

  func path(_ name: String) -> String { url.appending(path: name).path }

  func write(_ content: some Sequence<UInt8>, to name: String) throws {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(content).write(to: file)
  }

  func write(_ lines: [String], to name: String) throws {
    try write(lines.map { $0 + "\n" }.joined().utf8, to: name)
  }

  func data(_ name: String) throws -> Data { try Data(contentsOf: url.appending(path: name)) }

  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// Whole lines of a file so far; 0 where there is none.
  func lineCount(_ name: String) -> Int {
    (try? data(name).count { $0 == UInt8(ascii: "\n") }) ?? 0
  }
}

/// Files of the package.
enum Package {
  private static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

  /// The folder of a tiny model with random weights.
  static func model(_ name: String) -> String {
    tests.appending(path: "LlavaModelTests/Fixtures/\(name)").path
  }

  /// A demo photograph, or an odd image of the decoder's tests.
  static func image(_ name: String) throws -> Data {
    let odd = tests.appending(path: "ImagesTests/Fixtures/odd/\(name)")
    let photograph = tests.appending(path: "../script/demo-images/\(name)")
    return try Data(contentsOf: FileManager.default.fileExists(atPath: odd.path) ? odd : photograph)
  }
}
