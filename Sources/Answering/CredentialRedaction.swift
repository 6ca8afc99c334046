import Foundation

/// `text` with the credentials of every URL in it hidden: user and password, and query parameters that sign or
/// open access (`token`, `signature`, `key`, `secret`, `password`, `credential`, in any spelling around them).
public func redactingCredentials(in text: String) -> String {
  guard text.contains("://") || text.contains("=") else { return text }
  let user = /(?<scheme>[A-Za-z][A-Za-z0-9+.\-]*:\/\/)[^\/\s"'<>?#]*@/
  let query =
    /(?<name>[?&;](?:sig|[^=&\s"'<>]*(?:token|signature|key|secret|password|credential)[^=&\s"'<>]*)=)[^&\s"'<>#]*/
    .ignoresCase()
  return text.replacing(user) { "\($0.output.scheme)***@" }.replacing(query) { "\($0.output.name)***" }
}
