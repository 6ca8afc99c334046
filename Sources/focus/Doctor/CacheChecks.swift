import Foundation

/// The token cache: that it opens, or that it can be made.
enum CacheChecks {
  static func all(_ location: CacheLocation) -> [Check] {
    [Check("cache") { await look(location) }]
  }

  private static func look(_ location: CacheLocation) async -> Finding {
    switch location {
    case .none: return .fine("none: every image is encoded in every run")
    case .memory: return .fine("in memory, for each run by itself")
    case .postgres(let url): return await DatabaseChecks.look(url)
    case .sqlite(let path):
      guard FileManager.default.fileExists(atPath: path) else { return unmade(path) }
      do {
        let store = try await openTokenFile(path)
        let statistics = try await store.statistics()
        try await store.close()
        return .fine(
          "\(path), \(ProgressText.count(statistics.entries, "image")), \(statistics.bytes.formattedBytes)")
      } catch {
        return .failure(
          "\(error)", todo: "delete or repair the file, or give another with --cache sqlite:PATH")
      }
    }
  }

  /// Nothing is made by looking: the nearest folder that exists tells.
  private static func unmade(_ path: String) -> Finding {
    var folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    while !FileManager.default.fileExists(atPath: folder.path), folder.path != "/" {
      folder.deleteLastPathComponent()
    }
    guard FileManager.default.isWritableFile(atPath: folder.path) else {
      return .failure(
        "\(path) cannot be made: \(folder.path) is not writable",
        todo: "give another place with --cache sqlite:PATH, or --cache none")
    }
    return .fine("\(path), made by the first run")
  }
}
