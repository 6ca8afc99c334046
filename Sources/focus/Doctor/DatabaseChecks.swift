import PostgresTokenStore

/// The token cache in PostgreSQL: that it can be reached, is new enough, has its tables, and lets them be used.
enum DatabaseChecks {
  static func look(_ url: String) async -> Finding {
    do {
      return try await PostgresSchema.on(url) { finding(try await $0.report(), in: $0.database) }
    } catch PostgresError.unreachable(let database, let reason) {
      return .failure(
        "cannot connect to \(database): \(reason)",
        todo:
          "see that the server runs and takes connections from here, and that host, port, user, password and "
          + "database in --cache are right")
    } catch PostgresError.unusableURL(let reason) {
      return .failure(
        "the URL cannot be used: \(reason)", todo: "write --cache postgres://USER:PASSWORD@HOST:PORT/DATABASE"
      )
    } catch {
      return .failure("\(error)", todo: "see what the server's log says")
    }
  }

  /// What a report means.
  static func finding(_ report: PostgresReport, in database: String) -> Finding {
    let (major, minor) = (report.serverVersion / 10_000, report.serverVersion % 10_000)
    let server = "\(database), PostgreSQL \(major).\(minor)"
    guard report.serverVersion >= PostgresReport.leastServerVersion else {
      return .failure(
        "\(server) is too old",
        todo: "use PostgreSQL \(PostgresReport.leastServerVersion / 10_000) or newer")
    }
    let (version, needed) = (report.version, report.neededVersion)
    if version > needed {
      return .failure(
        "\(server): the tables have version \(version), made by a newer version of this program",
        todo: "use that version, or another database")
    }
    if version < needed {
      return .advice(
        version == 0
          ? "\(server): no tables there yet"
          : "\(server): the tables have version \(version), not \(needed)",
        todo: "run focus cache migrate as a user who may make tables; the first run tries it, too")
    }
    guard report.missingRights.isEmpty else {
      return .failure(
        "\(server): the user lacks rights: \(report.missingRights.joined(separator: ", "))",
        todo: "let the tables' owner GRANT them to the user of the URL")
    }
    return .fine("\(server), tables of version \(version), \(report.layout?.name ?? "no layout")")
  }
}
