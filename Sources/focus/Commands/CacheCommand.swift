import ArgumentParser

/// `focus cache`: looks after the token store.
struct CacheCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache", abstract: "Shows, prunes or prepares the cache of images' tokens.",
    subcommands: [CacheStatsCommand.self, CachePruneCommand.self, CacheMigrateCommand.self])
}

extension CacheOptions {
  /// The file that the cache commands work on. Throws `Failure` for a cache that is none.
  func file() throws -> String {
    switch try location().0 {
    case .sqlite(let path): return path
    case .memory, .none: throw Failure.unusable("--cache \(cache ?? ""): only a sqlite: cache outlives a run")
    }
  }
}
