/// One step from a version of the tables to the next, and back.
struct Migration: Sendable, Equatable {
  /// Rises by one with every migration, from 1.
  var version: Int
  var name: String
  var up: String
  var down: String

  /// In order of their versions.
  static let all: [Migration] = {
    let suffix = ".up.sql"
    return migrationTexts.keys.filter { $0.hasSuffix(suffix) }.sorted().compactMap { file in
      let name = String(file.dropLast(suffix.count))
      guard let version = Int(name.prefix { $0 != "_" }) else { return nil }
      return Migration(
        version: version, name: name, up: migrationTexts[file] ?? "",
        down: migrationTexts[name + ".down.sql"] ?? "")
    }
  }()

  static var latest: Int { all.last?.version ?? 0 }
}
