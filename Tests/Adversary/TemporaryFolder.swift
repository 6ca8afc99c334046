import Foundation

/// A folder for one test, removed with it.
public final class TemporaryFolder: Sendable {
  public let url: URL

  public init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "focus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
  }

  public func path(_ name: String) -> String { url.appending(path: name).path }

  /// Writes a file, in folders that are made where they are missing.
  public func write(_ content: some Sequence<UInt8>, to name: String) throws {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(content).write(to: file)
  }

  public func write(_ content: String, to name: String) throws { try write(content.utf8, to: name) }

  public func write(_ lines: [String], to name: String) throws {
    try write(lines.map { $0 + "\n" }.joined(), to: name)
  }

  public func data(_ name: String) throws -> Data { try Data(contentsOf: url.appending(path: name)) }

  public func read(_ name: String) throws -> String {
    try String(contentsOfFile: path(name), encoding: .utf8)
  }

  public func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// Whole lines of a file so far; 0 where there is none.
  public func lineCount(_ name: String) -> Int {
    (try? data(name).count { $0 == UInt8(ascii: "\n") }) ?? 0
  }
}
