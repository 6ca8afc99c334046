import Foundation

/// A folder for one test, removed with it.
final class TemporaryFolder: Sendable {
  let url = FileManager.default.temporaryDirectory.appending(path: "focus-\(UUID().uuidString)")

  init() throws {
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }

  func size(_ name: String) throws -> Int {
    try Data(contentsOf: url.appending(path: name), options: .mappedIfSafe).count
  }
}
