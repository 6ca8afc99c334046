import Testing

@testable import FileJobs

struct SeenKeysTests {
  private func key(_ number: Int) -> ProgressKey { .request("\(number)") }

  @Test func aFilesKeysAreAllRemembered() {
    var seen = SeenKeys()
    for number in 0..<1000 { seen[key(number)] = number }
    #expect((0..<1000).allSatisfy { seen[key($0)] == $0 })
    #expect(seen[key(1000)] == nil)
  }

  @Test func aStreamsLastKeysAreRemembered() {
    var seen = SeenKeys(limit: 10)
    for number in 0..<1000 {
      seen[key(number)] = number
      #expect((max(0, number - 9)...number).allSatisfy { seen[key($0)] == $0 })
      #expect(seen[key(number - 20)] == nil)
    }
  }

  @Test func aCountGoesOnFromAnOlderOne() {
    var seen = SeenKeys(limit: 2)
    for _ in 0..<5 {
      seen[key(0)] = (seen[key(0)] ?? 0) + 1
      seen[key(1)] = 1
    }
    #expect(seen[key(0)] == 5)
  }
}
