import Answering
import ArgumentParser
import Foundation
import PostgresTokenStore

/// `focus cache`: looks after the token store.
struct CacheCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache", abstract: "Shows, prunes or prepares the cache of images' tokens.",
    subcommands: [CacheStatsCommand.self, CachePruneCommand.self, CacheMigrateCommand.self])
}

/// A cache that outlives a run, as the cache commands work on it.
enum LastingCache {
  case file(String)
  case database(url: String)

  /// Throws `Failure` for a cache that is none.
  init(_ options: CacheOptions) throws {
    switch try options.location().0 {
    case .sqlite(let path): self = .file(path)
    case .postgres(let url): self = .database(url: url)
    case .memory, .none:
      throw Failure.unusable(
        "--cache \(options.cache ?? ""): only a sqlite: or postgres: cache outlives a run")
    }
  }

  /// Runs `work` on what is there, under its name; the store is nil where nothing was made yet. Looking makes
  /// nothing. Throws `Failure`.
  func look<Value>(_ work: (_ name: String, (any TokenStore)?) async throws -> Value) async throws -> Value {
    switch self {
    case .file(let path):
      guard FileManager.default.fileExists(atPath: path) else { return try await work(path, nil) }
      let store = try await openTokenFile(path)
      let value = try await work(path, store)
      try await store.close()
      return value
    case .database(let url):
      return try await withDatabaseFailures {
        let store = try PostgresTokenStore(url: url)
        let value = try await work(store.database, store)
        try await store.close()
        return value
      }
    }
  }
}
