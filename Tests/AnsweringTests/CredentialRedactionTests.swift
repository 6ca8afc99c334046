import Testing

@testable import Answering

@Test(
  "Credentials in URLs are hidden; the rest of a message stays",
  arguments: [
    ("cannot fetch https://user:pass@host/a.jpg: 404", "cannot fetch https://***@host/a.jpg: 404"),
    ("postgres://me:p%40ss@db:5432/x?sslmode=on", "postgres://***@db:5432/x?sslmode=on"),
    ("https://h/a?X-Amz-Signature=abc&w=1", "https://h/a?X-Amz-Signature=***&w=1"),
    ("https://h/a?w=1&sig=abc&design=x", "https://h/a?w=1&sig=***&design=x"),
    ("https://h/a?access_token=abc#top", "https://h/a?access_token=***#top"),
    ("mail me@host about https://h/a", "mail me@host about https://h/a"),
    ("no URL here", "no URL here"),
  ])
func redacts(text: String, expected: String) {
  #expect(redactingCredentials(in: text) == expected)
}
