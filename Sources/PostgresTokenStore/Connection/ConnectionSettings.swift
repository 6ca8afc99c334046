import Answering
import CPostgres
import Foundation

/// What libpq is told to connect with: the URL's options, and ours where it says nothing.
struct ConnectionSettings: Sendable, Equatable {
  /// The database without user and password, for messages: `postgres://host:port/name`.
  let database: String
  /// libpq's keywords with their values (PostgreSQL's manual, "Database Connection Control Functions").
  let options: [String: String]

  /// For what the URL leaves open. Each host is tried for `connect_timeout` seconds; a peer that acknowledges
  /// nothing for `tcp_user_timeout` milliseconds, or no keepalive, is gone. A standby cannot be written to, so
  /// that of several hosts the writable one is wanted.
  private static let defaults = [
    "connect_timeout": "3", "tcp_user_timeout": "10000", "keepalives_idle": "30", "keepalives_interval": "5",
    "keepalives_count": "3", "target_session_attrs": "read-write", "application_name": "focus",
    // Texts are UTF-8 here, whatever the environment says.
    "client_encoding": "UTF8",
  ]

  /// Throws `PostgresError.unusableURL`. libpq's own reason is kept back: it may quote a password.
  init(url: String) throws {
    guard let parsed = PQconninfoParse(url, nil) else {
      throw PostgresError.unusableURL(
        "it is no postgres://user:password@host:port/database?option=value, or has an unknown option; special "
          + "characters of user and password must be percent-encoded")
    }
    defer { PQconninfoFree(parsed) }
    var options = Self.defaults
    var option = parsed
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { options[String(cString: keyword)] = String(cString: value) }
      option += 1
    }
    // What stands where a port should may be part of a password with a slash in it.
    let ports = (options["port"] ?? "").split(separator: ",").allSatisfy { Int($0) != nil }
    guard ports else { throw PostgresError.unusableURL("a port is no number") }
    self.options = options
    database = Self.name(options)
  }

  /// `message` without the credentials that it may quote.
  func redacted(_ message: String) -> String {
    var text = redactingCredentials(in: message.trimmingCharacters(in: .whitespacesAndNewlines))
    if let password = options["password"], password.count > 3 {
      text = text.replacingOccurrences(of: password, with: "***")
    }
    return text
  }

  private static func name(_ options: [String: String]) -> String {
    let hosts = (options["host"] ?? options["hostaddr"] ?? "").split(
      separator: ",", omittingEmptySubsequences: false)
    let ports = (options["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
    let places = hosts.enumerated().map { index, host in
      // One port may stand for all hosts.
      let port = index < ports.count ? ports[index] : ports.count == 1 ? ports[0] : ""
      return port.isEmpty ? String(host) : "\(host):\(port)"
    }
    return "postgres://\(places.joined(separator: ","))/\(options["dbname"] ?? "")"
  }
}
