import Foundation

/// A host that image URLs may name: `example.com`, every host below one as `*.example.com`, or an IP address, each
/// with an optional `:port` (any port without it).
///
/// Whatever a name resolves to must be a global address. One exception serves local servers: `localhost` and
/// literal loopback or private addresses (`127.0.0.1`, `[::1]`, `10.1.2.3`), listed exactly so, permit that
/// address, and only for URLs that name it. Link-local addresses are never permitted.
struct AllowedHost: Sendable, Hashable {
  /// Lower case; IPv6 addresses in brackets; the part after `*` for a suffix.
  private let name: String
  private let isSuffix: Bool
  private let port: Int?

  /// - Throws: `InvalidImageAccess`.
  init(_ text: String) throws {
    let invalid = InvalidImageAccess(
      "allowed host \"\(text)\" is no host; write example.com, *.example.com or 127.0.0.1:8080")
    isSuffix = text.hasPrefix("*.")
    var host = isSuffix ? "a" + text.dropFirst() : text
    if host.contains("::"), !host.hasPrefix("[") { host = "[\(host)]" }
    // The same parser reads rules and references, so both spell a host alike.
    guard !host.contains("/"), let url = try? ImageURL("http://\(host)/") else { throw invalid }
    name = isSuffix ? String(url.host.dropFirst()) : url.host
    guard !isSuffix || name.dropFirst().contains(".") else { throw invalid }
    port = host.last == "]" || !host.contains(":") ? nil : url.port
  }

  func matches(_ url: ImageURL) -> Bool {
    guard port == nil || port == url.port else { return false }
    return isSuffix ? url.host.hasSuffix(name) && url.host.count > name.count : url.host == name
  }

  /// The addresses outside the global ranges that URLs of this host may still reach.
  var permittedAddresses: [IPAddress] {
    if name == "localhost" { return [.loopback4, .loopback6] }
    guard !isSuffix, let address = IPAddress(literal: name), address.isLoopback || address.isPrivate else {
      return []
    }
    return [address]
  }
}
