import Foundation
import Testing

@testable import Images

@Suite struct AllowedHostTests {
  private func allows(_ rule: String, _ url: String) throws -> Bool {
    try AllowedHost(rule).matches(ImageURL(url))
  }

  @Test func exactNamesMatchThemselves() throws {
    #expect(try allows("example.com", "https://EXAMPLE.com/a"))
    #expect(try allows("Example.com", "http://example.com:8080/a"))
    #expect(try !allows("example.com", "https://www.example.com/"))
    #expect(try !allows("example.com", "https://example.com.evil.org/"))
    #expect(try !allows("example.com", "https://example.com./"))
  }

  @Test func suffixesMatchWhatIsBelowThem() throws {
    #expect(try allows("*.example.com", "https://a.b.example.com/"))
    #expect(try !allows("*.example.com", "https://example.com/"))
    #expect(try !allows("*.example.com", "https://evilexample.com/"))
    #expect(try AllowedHost("*.example.com").permittedAddresses.isEmpty)
  }

  @Test func portsMatchWhenNamed() throws {
    #expect(try allows("example.com:8443", "https://example.com:8443/"))
    #expect(try !allows("example.com:8443", "https://example.com/"))
    #expect(try allows("example.com:443", "https://example.com/"))
    #expect(try allows("[::1]:80", "http://[::1]/"))
    #expect(try allows("::1", "http://[::1]:8080/"))
  }

  @Test func onlyLiteralPrivateAddressesAndLocalhostArePermitted() throws {
    #expect(try AllowedHost("127.0.0.1").permittedAddresses == [.loopback4])
    #expect(try AllowedHost("localhost:80").permittedAddresses == [.loopback4, .loopback6])
    #expect(try AllowedHost("10.1.2.3").permittedAddresses == [IPAddress(bytes: [10, 1, 2, 3])])
    #expect(try AllowedHost("169.254.169.254").permittedAddresses.isEmpty)
    #expect(try AllowedHost("example.com").permittedAddresses.isEmpty)
    #expect(try AllowedHost("0.0.0.0").permittedAddresses.isEmpty)
  }

  @Test(arguments: [
    "", "*", "*.", "*.com", "http://example.com", "a@b", "example.com/path", "ex ample.com", "*.*.com",
  ])
  func otherRulesAreRefused(rule: String) {
    #expect(throws: InvalidImageAccess.self) { try AllowedHost(rule) }
  }

  @Test(arguments: [
    "8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "198.20.0.1", "[2606:4700::1111]",
    "[2a00::1]",
    "[2001:4860:4860::8888]",
  ])
  func publicAddressesAreGlobal(address: String) throws {
    #expect(try #require(IPAddress(literal: address)).isGlobal)
  }

  @Test(arguments: [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9", "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "224.0.0.1", "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255", "[::]", "[::1]", "[::ffff:8.8.8.8]", "[::8.8.8.8]", "[64:ff9b::808:808]",
    "[64:ff9b:1::1]",
    "[2002:808:808::1]", "[2001::1]", "[2001:db8::1]", "[fe80::1]", "[fec0::1]", "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]", "[100::1]",
  ])
  func specialAddressesAreNotGlobal(address: String) throws {
    #expect(try !#require(IPAddress(literal: address)).isGlobal)
  }

  @Test func messagesHideCredentials() {
    #expect(ImageURL.redacted("https://me:secret@host/a.jpg?sig=x#y") == "https://***@host/a.jpg?…")
    #expect(ImageURL.redacted("https://a@b:secret@host/") == "https://***@host/")
    #expect(ImageURL.redacted("plain/path.jpg") == "plain/path.jpg")
    #expect(!ImageURL.redacted("a\u{1B}[31m\nb").contains("\n"))
    #expect(ImageURL.redacted(String(repeating: "a", count: 5000)).count < 210)
  }
}
