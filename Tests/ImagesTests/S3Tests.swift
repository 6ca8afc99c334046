import Adversary
import Answering
import Crypto
import Foundation
import Testing

@testable import Images

@Suite struct S3Tests {
  static let environment = [
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not+a/secret", "AWS_REGION": "eu-test-1",
    "AWS_SESSION_TOKEN": "session",
  ]

  private func loader(_ server: LocalServer, _ environment: [String: String]) throws -> ImageLoader {
    ImageLoader(access: try ImageAccess(s3Endpoint: "http://\(server.host)", environment: environment))
  }

  @Test func requestsAreSigned() async throws {
    let server = try LocalServer { _ in .image(Data("object".utf8)) }
    let image = try await loader(server, Self.environment).fetch(.uri("s3://pictures/cats/a b+ü.jpg"))
    #expect(image.bytes == Data("object".utf8))
    let request = try #require(server.requests.first)
    #expect(request.hasPrefix("GET /pictures/cats/a%20b%2B%C3%BC.jpg HTTP/1.1\r\n"))
    try expectValidSignature(request)
  }

  @Test(arguments: [[:], ["AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""]])
  func withoutCredentialsRequestsAreUnsigned(environment: [String: String]) async throws {
    let server = try LocalServer { _ in .image(Data("object".utf8)) }
    _ = try await loader(server, environment).fetch(.uri("s3://pictures/a.jpg"))
    #expect(try !#require(server.requests.first).lowercased().contains("authorization"))
  }

  @Test func storesAreClosedWithoutAnEndpoint() async throws {
    let loader = try ImageLoader.closed()
    let message = await expectRejection(.imageForbidden) {
      try await loader.fetch(.uri("s3://pictures/a.jpg"))
    }
    #expect(message.contains("--s3-endpoint"))
  }

  @Test(arguments: [
    "s3://pictures", "s3:///a.jpg", "s3:pictures/a.jpg", "s3://a@b/c", "s3://pic/../x", "s3://b..c/x",
  ])
  func otherReferencesAreForbidden(reference: String) async throws {
    let server = try LocalServer { _ in .status(200) }
    await expectRejection(.imageForbidden) { try await loader(server, [:]).fetch(.uri(reference)) }
    #expect(server.requests.isEmpty)
  }

  @Test func redirectsAreNotFollowed() async throws {
    let server = try LocalServer { _ in .redirect("/elsewhere") }
    await expectRejection(.imageUnreachable) {
      try await loader(server, [:]).fetch(.uri("s3://pictures/a.jpg"))
    }
    #expect(server.requests.count == 1)
  }

  @Test func theEndpointIsNoOpenDoorForURLs() async throws {
    let server = try LocalServer { _ in .image(Data("object".utf8)) }
    await expectRejection(.imageForbidden) {
      try await loader(server, [:]).fetch(.uri(server.url("/pictures/a.jpg")))
    }
  }

  @Test(arguments: [
    "", "minio", "ftp://minio", "file:///", "http://a:b@minio", "http://minio/path", "http://minio/?x",
  ])
  func otherEndpointsAreRefused(endpoint: String) {
    #expect(throws: InvalidImageAccess.self) { try ImageAccess(s3Endpoint: endpoint, environment: [:]) }
  }

  /// Signs what arrived once more, by the steps of AWS Signature Version 4.
  private func expectValidSignature(_ request: String) throws {
    let lines = request.split(separator: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = String(parts[1]).trimmingCharacters(in: .whitespaces)
    }
    let authorization = try #require(headers["authorization"])
    #expect(headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD")
    #expect(headers["x-amz-security-token"] == "session")
    let names = try #require(authorization.firstMatch(of: /SignedHeaders=([a-z0-9;-]+)/)).1
    let signed = names.split(separator: ";").map(String.init)
    #expect(
      signed.contains("host") && signed.contains("x-amz-date") && signed.contains("x-amz-security-token"))
    let path = try #require(lines[0].split(separator: " ").dropFirst().first)
    let canonical =
      "GET\n\(path)\n\n" + signed.map { "\($0):\(headers[$0] ?? "")\n" }.joined()
      + "\n\(names)\nUNSIGNED-PAYLOAD"
    let date = try #require(headers["x-amz-date"])
    let scope = "\(date.prefix(8))/eu-test-1/s3/aws4_request"
    let text = "AWS4-HMAC-SHA256\n\(date)\n\(scope)\n\(hex(SHA256.hash(data: Data(canonical.utf8))))"
    var key = Data("AWS4not+a/secret".utf8)
    for part in scope.split(separator: "/") + [Substring(text)] {
      key = Data(HMAC<SHA256>.authenticationCode(for: Data(part.utf8), using: SymmetricKey(data: key)))
    }
    #expect(authorization.contains("Credential=AKIDEXAMPLE/\(scope)"))
    #expect(authorization.hasSuffix("Signature=\(hex(key))"), "\(authorization)")
  }

  private func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String(format: "%02x", $0) }.joined()
  }
}
