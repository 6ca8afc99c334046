import Answering
import Foundation

/// What `--cache` names.
enum CacheLocation: Equatable, Sendable {
  case sqlite(path: String)
  /// A database that many workers may share; its URL holds a password.
  case postgres(url: String)
  case memory
  case none

  /// Throws `Failure` where the URL names no cache that this build has.
  init(url: String) throws {
    switch url {
    case "none": self = .none
    case "memory", "memory:": self = .memory
    case _ where url.hasPrefix("sqlite:"):
      var path = url.dropFirst("sqlite:".count)
      if path.hasPrefix("///") { path = path.dropFirst(2) }
      if path.isEmpty || path.hasPrefix("//") {
        throw Failure.unusable(
          "--cache \(url): name a file, as in sqlite:tokens.sqlite or sqlite:/var/tokens.sqlite")
      }
      self = .sqlite(path: path.hasPrefix("~/") ? NSHomeDirectory() + path.dropFirst() : String(path))
    case _ where url.hasPrefix("postgres:") || url.hasPrefix("postgresql:"):
      self = .postgres(url: url)
    default:
      throw Failure.unusable(
        "--cache \(redactingCredentials(in: url)): no such cache; there are sqlite:PATH, postgres://…, memory: "
          + "and none")
    }
  }

  /// The user's own file, shared by all runs.
  static func standard(environment: [String: String] = ProcessInfo.processInfo.environment) -> CacheLocation {
    // The XDG Base Directory Specification: relative paths are to be ignored.
    let named = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    return .sqlite(path: (named ?? NSHomeDirectory() + "/.cache") + "/focus/tokens.sqlite")
  }
}

extension CacheOptions {
  /// Where, and whether the user said so.
  func location() throws -> (CacheLocation, isNamed: Bool) {
    guard let cache else { return (.standard(), false) }
    return (try CacheLocation(url: cache), true)
  }
}
