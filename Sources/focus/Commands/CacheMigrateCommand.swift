import ArgumentParser

/// `focus cache migrate`: creates or upgrades the cache's file, and says what it did.
struct CacheMigrateCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate", abstract: "Creates the cache's file, or brings it up to date.",
    discussion: "Runs do this by themselves; it is there to be done beforehand.")

  @OptionGroup(title: "Cache") var cache: CacheOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    let store = try await openTokenFile(try cache.file())
    let applied = store.appliedMigrations
    try await store.close()
    print(
      applied.isEmpty
        ? "\(store.path) is up to date" : "\(store.path): applied \(applied.joined(separator: ", "))")
  }
}
