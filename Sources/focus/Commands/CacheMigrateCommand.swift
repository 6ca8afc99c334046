import ArgumentParser
import PostgresTokenStore

/// `focus cache migrate`: creates or upgrades the cache's file or tables, and says what it did.
struct CacheMigrateCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate", abstract: "Creates the cache's file or tables, or brings them up to date.",
    discussion: """
      Runs do this by themselves; it is there to be done beforehand, and by a user who may make tables where \
      workers may not. --partitions and --unlogged change a PostgreSQL cache that has entries, too: they are \
      moved, while workers wait or go on without the cache.
      """)

  @Option(
    help: ArgumentHelp(
      "PostgreSQL: hash partitions for the images; 0 for one plain table. (default: as it is)",
      valueName: "count"))
  var partitions: Int?

  @Flag(
    inversion: .prefixedNo, exclusivity: .chooseLast,
    help:
      "PostgreSQL: keep images without a write-ahead log. Faster; a crash of the server empties the cache.")
  var unlogged: Bool?

  @Option(
    help: ArgumentHelp(
      "PostgreSQL: bring the tables to this version; 0 removes them with all they hold. (default: the latest)",
      valueName: "version"))
  var to: Int?

  @OptionGroup(title: "Cache") var cache: CacheOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    if let partitions, !(0...TableLayout.mostPartitions).contains(partitions) {
      throw Failure.unusable(
        "--partitions must be from 0 to \(TableLayout.mostPartitions), not \(partitions)")
    }
    if let to, !(0...PostgresSchema.latestVersion).contains(to) {
      throw Failure.unusable("--to must be from 0 to \(PostgresSchema.latestVersion), not \(to)")
    }
    switch try LastingCache(cache) {
    case .file(let path):
      guard partitions == nil, unlogged == nil, to == nil else {
        throw Failure.unusable("--partitions, --unlogged and --to are for a postgres: cache")
      }
      let store = try await openTokenFile(path)
      let applied = store.appliedMigrations
      try await store.close()
      say(applied, of: path)
    case .database(let url):
      let (version, partitions, unlogged) = (to, partitions, unlogged)
      try await withDatabaseFailures {
        try await PostgresSchema.on(url) { schema in
          let done = try await schema.migrate(to: version, partitions: partitions, isUnlogged: unlogged)
          say(done, of: schema.database)
        }
      }
    }
  }

  private func say(_ done: [String], of name: String) {
    print(done.isEmpty ? "\(name) is up to date" : "\(name): applied \(done.joined(separator: ", "))")
  }
}
