import Foundation
import Testing

@testable import PostgresTokenStore

@Suite("How a database is reached")
struct ConnectionSettingsTests {
  @Test(
    "A URL's options win over the defaults; the name for messages has no credentials",
    arguments: [
      ("postgres://me:secret@db/tokens", "postgres://db/tokens"),
      ("postgresql://me:p%40ss@db:5433/tokens", "postgres://db:5433/tokens"),
      ("postgres://me:secret@a:1,b:2/t?target_session_attrs=any", "postgres://a:1,b:2/t"),
      ("postgres://a,b/t?port=7&password=secret", "postgres://a:7,b:7/t"),
      ("postgres:///t?host=/run/postgresql", "postgres:///run/postgresql/t"),
    ])
  func names(url: String, name: String) throws {
    let settings = try ConnectionSettings(url: url)
    #expect(settings.database == name)
    #expect(settings.options["connect_timeout"] == "3")
    #expect(settings.options["target_session_attrs"] == (url.contains("=any") ? "any" : "read-write"))
  }

  @Test(
    "A URL that cannot be used is refused without quoting it",
    arguments: [
      "postgres://me:sec/ret@db/tokens", "postgres://me:%zzsecret@db", "postgres://db/t?secret=1",
      "postgres://me:secret@[::1/t", "secret",
    ])
  func unusable(url: String) throws {
    let error = #expect(throws: PostgresError.self) { _ = try ConnectionSettings(url: url) }
    #expect(error?.description.contains("sec") == false)
  }

  @Test("What libpq says is redacted")
  func redaction() throws {
    let settings = try ConnectionSettings(url: "postgres://me:s3cret@db/tokens")
    #expect(settings.redacted("no s3cret at postgres://x:y@z\n") == "no *** at postgres://***@z")
  }

  @Test("Pauses between tries double up to five seconds, and end with success")
  func backoff() {
    var backoff = Backoff()
    var now = ContinuousClock.now
    #expect(backoff.mayTry(at: now))
    for pause in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
      backoff.failed(at: now)
      // A try that began before the pause.
      backoff.failed(at: now)
      #expect(!backoff.mayTry(at: now + .milliseconds(pause - 1)))
      now += .milliseconds(pause)
      #expect(backoff.mayTry(at: now))
    }
    backoff.worked()
    backoff.failed(at: now)
    #expect(backoff.mayTry(at: now + .milliseconds(100)))
  }

  @Test("Arrays are sent in PostgreSQL's binary form")
  func arrays() {
    #expect(
      Parameter.byteStrings([Data([7]), Data()]).encoded
        == Data([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7, 0, 0, 0, 0]))
    #expect(Parameter.integers([]).encoded == Data([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20]))
    #expect(Parameter.integer(-2).encoded == Data([255, 255, 255, 255, 255, 255, 255, 254]))
    #expect(Parameter.text("a\0b").encoded == Data("a\u{FFFD}b".utf8))
  }
}
