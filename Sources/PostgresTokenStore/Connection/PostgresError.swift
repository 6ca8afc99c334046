import Foundation

/// Why the database did not do what it was asked. No description holds a password.
public enum PostgresError: Error, Equatable, CustomStringConvertible {
  /// The URL cannot be used; why.
  case unusableURL(String)
  /// No connection could be made.
  case unreachable(database: String, reason: String)
  /// The connection broke while it was in use.
  case connectionLost(String)
  /// No answer in time, or no free connection.
  case timedOut(after: Duration)
  /// The server refused a statement, with its SQLSTATE.
  case refused(state: String, message: String)
  /// The tables are older than this program: their version, and the one it needs.
  case outdated(database: String, version: Int, needed: Int)
  /// The tables were made by a later version of this program.
  case newer(database: String, version: Int)
  /// The answer has another form than was asked for.
  case unexpectedAnswer(String)
  case closed

  /// Whether the connection is gone, so that a new one may do better.
  var isConnectionLoss: Bool {
    switch self {
    case .connectionLost: true
    // Shutdown by an administrator, a crash of a neighbour, a server that is starting.
    case .refused(let state, _): state.hasPrefix("57P")
    default: false
    }
  }

  /// Whether the database may do it later, with nothing changed here.
  public var mayPass: Bool {
    switch self {
    case .unreachable, .connectionLost, .timedOut: true
    default: isConnectionLoss
    }
  }

  public var description: String {
    switch self {
    case .unusableURL(let reason):
      "the PostgreSQL URL cannot be used: \(reason)"
    case .unreachable(let database, let reason):
      "cannot connect to \(database): \(reason)"
    case .connectionLost(let reason):
      "the connection to PostgreSQL broke: \(reason)"
    case .timedOut(let limit):
      "PostgreSQL gave no answer within \(limit)"
    // Undefined table, and undefined schema.
    case .refused("42P01", let message), .refused("3F000", let message):
      "PostgreSQL has not the cache's tables (\(message)): run focus cache migrate"
    case .refused("42501", let message):
      "PostgreSQL refuses: \(message). Grant the user of the URL the rights on the cache's tables"
    case .refused(let state, let message):
      "PostgreSQL refuses: \(message) (SQLSTATE \(state))"
    case .outdated(let database, let version, let needed):
      "the cache's tables in \(database) have version \(version), not \(needed): run focus cache migrate"
    case .newer(let database, let version):
      "the cache's tables in \(database) have version \(version), made by a newer version of this program: "
        + "use that, or another database"
    case .unexpectedAnswer(let what):
      "PostgreSQL gave an unexpected answer: \(what)"
    case .closed:
      "the PostgreSQL cache is closed"
    }
  }
}
