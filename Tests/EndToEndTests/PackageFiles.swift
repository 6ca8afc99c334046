import Foundation

/// Files of the package.
enum Package {
  private static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

  /// A file that `script/bootstrap --checks` installs.
  static func dependency(_ name: String) throws -> String {
    let path = tests.appending(path: "../.deps/\(name)").standardized.path
    guard FileManager.default.fileExists(atPath: path) else { throw MissingDependency(path: path) }
    return path
  }

  struct MissingDependency: Error, CustomStringConvertible {
    var path: String
    var description: String { "\(path) is missing: run script/bootstrap --checks" }
  }

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
