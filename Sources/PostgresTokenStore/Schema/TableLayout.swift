/// How the table of compressed images lies in the database.
public struct TableLayout: Sendable, Equatable {
  /// Hash partitions by key; 0 for one plain table.
  public var partitions: Int
  /// Without a write-ahead log: writes take half the time, and a crash of the server empties the cache.
  public var isUnlogged: Bool

  public static let mostPartitions = 1024

  public init(partitions: Int = 0, isUnlogged: Bool = false) {
    self.partitions = partitions
    self.isUnlogged = isUnlogged
  }

  /// As `8 partitions, unlogged`.
  public var name: String {
    (partitions == 0 ? "one table" : "\(partitions) partitions") + (isUnlogged ? ", unlogged" : "")
  }

  static func read(_ connection: Connection, _ deadline: Deadline) throws -> TableLayout {
    let results = try connection.run(
      [
        Statement(
          """
          SELECT (SELECT count(*) FROM pg_inherits WHERE inhparent = c.oid),
            c.relpersistence = 'u' OR EXISTS (
              SELECT FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
              WHERE i.inhparent = c.oid AND p.relpersistence = 'u')
          FROM pg_class c WHERE c.oid = to_regclass('focus_compressed_image')
          """)
      ], deadline)
    guard let result = results.first, !result.rows.isEmpty else {
      throw PostgresError.refused(state: "42P01", message: "there is no table focus_compressed_image")
    }
    return TableLayout(
      partitions: try result.integer(0, 0), isUnlogged: try result.integer(0, 1) != 0)
  }

  /// Moves all rows into a table of this layout, in the transaction that is under way.
  func apply(_ connection: Connection, _ deadline: Deadline) throws {
    _ = try connection.run(
      [
        Statement(
          "SELECT set_config('focus.partitions', $1, true), set_config('focus.unlogged', $2, true)",
          [.text(String(partitions)), .text(isUnlogged ? "on" : "off")])
      ], deadline)
    try connection.script(migrationTexts["layout.sql"] ?? "", deadline)
  }
}
