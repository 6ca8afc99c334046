import Adversary
import Answering
import Foundation
import Testing

@testable import Images

/// Real requests to a server on loopback.
@Suite struct FetchingTests {
  static let bytes = Data("not looked at here".utf8)

  private func loader(
    _ allowHosts: [String], pinned: [String] = [], seconds: Double = 30, maxBytes: Int = 1 << 20
  ) throws -> ImageLoader {
    var limits = ImageLimits()
    limits.fetchSeconds = seconds
    limits.maxBytes = maxBytes
    let access = try ImageAccess(allowHosts: allowHosts, environment: [:])
    return ImageLoader(
      web: WebImages(access: access, limits: limits, pinnedAddresses: pinned, firstWait: 0.001))
  }

  @Test func anAllowedHostIsFetched() async throws {
    let server = try LocalServer { _ in .image(Self.bytes) }
    for host in [server.host, "127.0.0.1"] {
      let image = try await loader([host]).fetch(.uri(server.url("/cat.jpg?size=1")))
      #expect(image.bytes == Self.bytes)
      #expect(image.sha256.count == 64)
    }
    #expect(server.requests.allSatisfy { $0.hasPrefix("GET /cat.jpg?size=1 HTTP/1.1\r\n") })
  }

  @Test func digestsAreSHA256InHexadecimal() async throws {
    let image = try await ImageLoader.closed().fetch(.data(Data("abc".utf8)))
    #expect(image.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test func hostsAreClosedUntilAllowed() async throws {
    let server = try LocalServer { _ in .image(Self.bytes) }
    for hosts in [[], ["example.com"], ["127.0.0.1:1"], ["localhost"]] {
      let message = await expectRejection(.imageForbidden) {
        try await loader(hosts).fetch(.uri(server.url("/")))
      }
      #expect(message.contains("--allow-host"))
    }
    #expect(server.requests.isEmpty)
  }

  @Test func localhostReachesLoopbackOnly() async throws {
    let server = try LocalServer { _ in .image(Self.bytes) }
    let url = "http://localhost:\(server.port)/"
    #expect(try await loader(["localhost"]).fetch(.uri(url)).bytes == Self.bytes)
  }

  /// As after rebinding: the name is allowed, what it resolves to is not.
  @Test(arguments: [
    "127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]",
  ])
  func allowedNamesReachNoPrivateAddress(address: String) async throws {
    let server = try LocalServer { _ in .image(Self.bytes) }
    let name = "pictures.example.com"
    let loader = try loader([name, "127.0.0.1"], pinned: ["\(name):\(server.port):\(address)"])
    let message = await expectRejection(.imageForbidden) {
      try await loader.fetch(.uri("http://\(name):\(server.port)/"))
    }
    #expect(message.contains("public internet"))
    #expect(server.requests.isEmpty)
  }

  @Test(arguments: [
    "http://169.254.169.254/latest/", "http://2852039166/latest/", "http://0xA9FEA9FE/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:169.254.169.254]/", "http://[::ffff:a9fe:a9fe]/", "http://[fe80::1%25eth0]/",
    "http://169.254.169.254.nip.io/",
  ])
  func metadataAddressesAreForbiddenInEveryForm(url: String) async throws {
    await expectRejection(.imageForbidden) { try await loader(["example.com"]).fetch(.uri(url)) }
    // Even listed, link-local and embedded addresses are not reached.
    let listed = ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]"]
    await expectRejection(.imageForbidden) { try await loader(listed).fetch(.uri(url)) }
  }

  @Test(arguments: [
    "gopher://127.0.0.1:70/_", "ftp://127.0.0.1/a.jpg", "data:image/png;base64,AAAA", "javascript:alert(1)",
    "DATA:,x", "http://127.0.0.1\\@example.com/", "http:\\\\127.0.0.1/", "http://me:secret@127.0.0.1/",
    "http://127.0.0.1@evil.example/", "http://127.0.0.1 .evil.example/", "http://ⓔxample.com/",
    "http:///a.jpg",
    "http://127.0.0.1\r\nHost: x/", "http://[::1", "http://127.0.0.1:99999/", "//127.0.0.1/a.jpg",
  ])
  func disguisedAndForeignURLsAreForbidden(url: String) async throws {
    let message = await expectRejection(.imageForbidden) { try await loader(["127.0.0.1"]).fetch(.uri(url)) }
    #expect(!message.contains("secret"))
  }

  @Test func upToThreeRedirectsAreFollowed() async throws {
    let server = try LocalServer { path in
      let left = Int(path.dropFirst()) ?? 0
      return left == 0 ? .image(Self.bytes) : .redirect("/\(left - 1)")
    }
    let loader = try loader([server.host])
    #expect(try await loader.fetch(.uri(server.url("/3"))).bytes == Self.bytes)
    let message = await expectRejection(.imageUnreachable) { try await loader.fetch(.uri(server.url("/4"))) }
    #expect(message.contains("redirects"))
  }

  @Test(arguments: [
    "http://169.254.169.254/latest/", "http://localhost:PORT/", "http://10.0.0.1/", "file:///etc/passwd",
    "s3://b/k",
    "gopher://127.0.0.1/", "http://a:b@127.0.0.1:PORT/", "http://pictures.example.com:PORT/",
  ])
  func redirectsAreCheckedLikeTheFirstURL(target: String) async throws {
    let secondServer = try LocalServer { _ in .image(Self.bytes) }
    let location = target.replacing("PORT", with: String(secondServer.port))
    let server = try LocalServer { _ in .redirect(location) }
    let name = "pictures.example.com"
    let loader = try loader([server.host, name], pinned: ["\(name):\(secondServer.port):127.0.0.1"])
    await expectRejection(.imageForbidden) { try await loader.fetch(.uri(server.url("/"))) }
    #expect(secondServer.requests.isEmpty)
  }

  @Test(arguments: [301, 304, 403, 404, 500])
  func otherAnswersAreUnreachable(status: Int) async throws {
    let server = try LocalServer { _ in .status(status) }
    let message = await expectRejection(.imageUnreachable) {
      try await loader([server.host]).fetch(.uri(server.url("/a.jpg?token=secret")))
    }
    #expect(message.contains("\(status)") && message.contains("/a.jpg") && !message.contains("secret"))
  }

  @Test func nobodyListeningIsUnreachable() async throws {
    let port = try LocalServer { _ in .status(200) }.port
    await expectRejection(.imageUnreachable) {
      try await loader(["127.0.0.1"]).fetch(.uri("http://127.0.0.1:\(port)/"))
    }
  }

  @Test func anEmptyBodyIsUndecodable() async throws {
    let server = try LocalServer { _ in .image(Data()) }
    await expectRejection(.imageUndecodable) { try await loader([server.host]).fetch(.uri(server.url("/"))) }
  }

  @Test func slowBodiesEndAtTheTimeLimit() async throws {
    let server = try LocalServer { _ in .stalled }
    let message = await expectRejection(.imageUnreachable) {
      try await loader([server.host], seconds: 0.05).fetch(.uri(server.url("/")))
    }
    #expect(message.contains("time limit"))
  }

  @Test func endlessBodiesAndHeadersEndAtTheirLimits() async throws {
    let body = try LocalServer { _ in .endlessBody }
    await expectRejection(.imageTooLarge) { try await loader([body.host]).fetch(.uri(body.url("/"))) }
    let headers = try LocalServer { _ in .endlessHeaders }
    await expectRejection(.imageUnreachable) {
      try await loader([headers.host]).fetch(.uri(headers.url("/")))
    }
  }

  @Test func announcedLengthsBeyondTheLimitAreRefused() async throws {
    let server = try LocalServer { _ in .image(Data(count: 2000)) }
    await expectRejection(.imageTooLarge) {
      try await loader([server.host], maxBytes: 1999).fetch(.uri(server.url("/")))
    }
  }

  @Test func cancellingAbandonsTheFetch() async throws {
    let server = try LocalServer { _ in .stalled }
    let loader = try loader([server.host])
    let fetch = Task { try await loader.fetch(.uri(server.url("/"))) }
    await server.nextRequest()
    fetch.cancel()
    await #expect(throws: CancellationError.self) { try await fetch.value }
  }
}
