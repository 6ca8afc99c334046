import Answering
import CCurl

/// A URL as libcurl reads it. The same parsed handle is checked and then fetched, so that no second parser can
/// see another host in it.
///
/// Not Sendable: it stays on the thread that fetches.
final class ImageURL {
  let handle: OpaquePointer
  let scheme: String
  /// Lower case, IPv4 addresses in dotted decimal, IPv6 addresses in brackets; empty for `file:`.
  let host: String
  /// 0 for `file:`.
  let port: Int
  /// Percent-decoded.
  let path: String

  /// Throws `Rejection(.imageForbidden)` for what cannot be parsed or hides where it leads.
  init(_ text: String) throws {
    func forbidden(_ why: String) -> Rejection {
      Rejection(.imageForbidden, "image URL \(ImageURL.redacted(text)) \(why)")
    }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C }) else {
      throw forbidden("holds a backslash, a space or a character beyond ASCII; percent-encode it")
    }
    guard let handle = curl_url() else { throw Rejection(.internal, "out of memory for a URL") }
    do {
      let flags = UInt32(CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME)
      let parsed = curl_url_set(handle, CURLUPART_URL, text, flags)
      guard parsed != CURLUE_USER_NOT_ALLOWED else {
        throw forbidden("holds a user name or password; give credentials another way")
      }
      guard parsed == CURLUE_OK else { throw forbidden("cannot be parsed; check its spelling") }
      scheme = Self.part(CURLUPART_SCHEME, of: handle) ?? ""
      guard ["http", "https", "file"].contains(scheme) else {
        throw forbidden("has a scheme that is not fetched; use https, http, s3 or file")
      }
      host = (Self.part(CURLUPART_HOST, of: handle) ?? "").lowercased()
      port = Self.part(CURLUPART_PORT, of: handle, flags: CURLU_DEFAULT_PORT).flatMap { Int($0) } ?? 0
      guard let path = Self.part(CURLUPART_PATH, of: handle, flags: CURLU_URLDECODE) else {
        throw forbidden("has a path that cannot be decoded; check its percent-encoding")
      }
      self.path = path
      let isPlainHost = host.utf8.allSatisfy { byte in
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || "-._:[]".utf8.contains(byte)
      }
      guard isPlainHost, Self.part(CURLUPART_ZONEID, of: handle) == nil, scheme == "file" || !host.isEmpty
      else {
        throw forbidden("has a host that is not plain letters, digits and dots; write it in punycode")
      }
    } catch {
      curl_url_cleanup(handle)
      throw error
    }
    self.handle = handle
  }

  deinit {
    curl_url_cleanup(handle)
  }

  /// The URL for messages: without user, password, query and fragment, which may be secrets, and not endless.
  static func redacted(_ text: String) -> String {
    var shown = text.prefix { $0 != "?" && $0 != "#" }
    let hasSecrets = shown.count < text.count
    if let start = shown.range(of: "://")?.upperBound {
      let authority = shown[start...].prefix { $0 != "/" && $0 != "\\" }
      if let at = authority.lastIndex(of: "@") { shown = shown[..<start] + "***" + shown[at...] }
    }
    let printable = shown.prefix(200).map { $0.isASCII && !($0.asciiValue ?? 0 < 0x20) ? $0 : "?" }
    return String(printable) + (shown.count > 200 ? "…" : "") + (hasSecrets ? "?…" : "")
  }

  private static func part(_ what: CURLUPart, of handle: OpaquePointer, flags: Int32 = 0) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    defer { curl_free(text) }
    guard curl_url_get(handle, what, &text, UInt32(flags)) == CURLUE_OK, let text else { return nil }
    return String(validatingCString: text)
  }
}
