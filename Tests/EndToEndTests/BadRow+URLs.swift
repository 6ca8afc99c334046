import Adversary
import Foundation

/// Images behind URLs. The server's host is allowed, and so are addresses that no list can open.
extension BadRow {
  static let allowedHosts = [
    "169.254.169.254", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fe80::1]", "[64:ff9b::a9fe:a9fe]",
  ]

  static func server() throws -> LocalServer {
    let cat = try Package.image("cat.jpg")
    return try LocalServer { path in
      switch path {
      case "/cat.jpg": .image(cat)
      case "/again": .redirect("/cat.jpg")
      case "/to-metadata": .redirect("http://169.254.169.254/latest/meta-data/")
      case "/to-metadata-in-hex": .redirect("http://0xA9FEA9FE/latest/meta-data/")
      case "/to-private": .redirect("http://10.0.0.1/cat.jpg")
      case "/to-another-port": .redirect("http://127.0.0.1:1/cat.jpg")
      case "/to-file": .redirect("file:///etc/passwd")
      case "/to-gopher": .redirect("gopher://127.0.0.1/_")
      case "/circle": .redirect("/circle")
      case "/empty": .image(Data())
      case "/text": .image(Data("<html>".utf8))
      case "/endless-body": .endlessBody
      case "/endless-headers": .endlessHeaders
      default: .status(404)
      }
    }
  }

  static func urls(_ server: LocalServer) -> [BadRow] {
    func url(_ url: String, _ outcome: Outcome) -> BadRow { .job("url \(url)", outcome, uri: url) }
    func path(_ path: String, _ outcome: Outcome) -> BadRow { url(server.url(path), outcome) }
    let notPublic = Outcome.refused(.imageForbidden, ["public internet"])
    func closed(_ host: String) -> Outcome { .refused(.imageForbidden, [host, "--allow-host"]) }
    let scheme = Outcome.refused(.imageForbidden, ["scheme", "use https"])
    let user = Outcome.refused(.imageForbidden, ["user name or password"])
    let spelling = Outcome.refused(.imageForbidden, ["percent-encode"])
    return [
      path("/cat.jpg", .answered), path("/again", .answered),
      path("/gone", .refused(.imageUnreachable, ["404", "/gone"])),
      path("/empty", .refused(.imageUndecodable, ["no bytes"])),
      path("/text", .refused(.imageUnsupported, ["JPEG, PNG"])),
      path("/to-metadata", notPublic), path("/to-metadata-in-hex", notPublic),
      path("/to-private", closed("10.0.0.1")), path("/to-another-port", closed("127.0.0.1")),
      path("/to-file", .refused(.imageForbidden, ["redirects to a file"])), path("/to-gopher", scheme),
      path("/circle", .refused(.imageUnreachable, ["redirects more than 3 times"])),
      path("/endless-body", .refused(.imageTooLarge, ["bytes"])),
      path("/endless-headers", .refused(.imageUnreachable, ["/endless-headers"])),
      url("http://169.254.169.254/latest/meta-data/", notPublic),
      url("http://2852039166/latest/meta-data/", notPublic), url("http://0xA9FEA9FE/", notPublic),
      url("http://0251.0376.0251.0376/", notPublic), url("http://0xa9.0376.43518/", notPublic),
      url("http://[::ffff:169.254.169.254]/", notPublic), url("http://[::ffff:a9fe:a9fe]/", notPublic),
      url("http://[64:ff9b::a9fe:a9fe]/", notPublic),
      url("http://[fe80::1%25eth0]/", .refused(.imageForbidden, ["host"])),
      url("http://127.0.0.1:1/cat.jpg", closed("127.0.0.1")),
      url("https://example.com/", closed("example.com")),
      url("gopher://127.0.0.1:70/_", scheme), url("ftp://127.0.0.1/cat.jpg", scheme),
      url("javascript:alert(1)", .refused(.imageForbidden, ["image URL"])),
      url("data:image/png;base64,iVBORw0KGgo=", .refused(.imageForbidden, ["data:", "image.data"])),
      url(#"http://\#(server.host)\\@example.com/cat.jpg"#, spelling), url(#"http:\\\\127.0.0.1/"#, spelling),
      url("http://127.0.0.1 .example.com/", spelling), url("http://ⓔxample.com/", spelling),
      url("http://me:secret@\(server.host)/cat.jpg", user), url("http://\(server.host)@example.com/", user),
      url("s3://bucket/cat.jpg", .refused(.imageForbidden, ["--s3-endpoint"])),
      url("//127.0.0.1/cat.jpg", .refused(.imageForbidden, ["outside the image root"])),
    ]
  }
}
