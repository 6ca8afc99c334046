import Answering
import Foundation
import Testing

@testable import focus

@Suite("Where the cache is, and how much it holds")
struct CacheOptionTests {
  @Test("A URL names a cache, or is refused with what there is")
  func locations() throws {
    #expect(try CacheLocation(url: "none") == .none)
    #expect(try CacheLocation(url: "memory:") == .memory)
    #expect(try CacheLocation(url: "sqlite:a/b.sqlite") == .sqlite(path: "a/b.sqlite"))
    #expect(try CacheLocation(url: "sqlite:/a/b.sqlite") == .sqlite(path: "/a/b.sqlite"))
    #expect(try CacheLocation(url: "sqlite:///a/b.sqlite") == .sqlite(path: "/a/b.sqlite"))
    #expect(try CacheLocation(url: "sqlite:~/b.sqlite") == .sqlite(path: NSHomeDirectory() + "/b.sqlite"))
    for bad in ["", "sqlite:", "sqlite://host/a", "redis://a", "a.sqlite"] {
      #expect(throws: Failure.self) { try CacheLocation(url: bad) }
    }
    let url = "postgres://user:secret@host/tokens"
    #expect(try CacheLocation(url: url) == .postgres(url: url))
    #expect(try CacheLocation(url: "postgresql://a,b/t") == .postgres(url: "postgresql://a,b/t"))
    let wrong = #expect(throws: Failure.self) { try CacheLocation(url: "mysql://user:secret@host/tokens") }
    #expect(wrong?.status == .unusableArguments)
    #expect(wrong?.message.contains("secret") == false)
  }

  @Test("The default follows the XDG rules")
  func standard() {
    let home = NSHomeDirectory()
    #expect(
      CacheLocation.standard(environment: ["XDG_CACHE_HOME": "/c"]) == .sqlite(path: "/c/focus/tokens.sqlite")
    )
    for environment in [[:], ["XDG_CACHE_HOME": ""], ["XDG_CACHE_HOME": "relative"]] {
      #expect(
        CacheLocation.standard(environment: environment)
          == .sqlite(path: home + "/.cache/focus/tokens.sqlite"))
    }
  }

  @Test("A named cache that cannot be opened is status 3; the default one is done without")
  func unusable() async throws {
    let file = try TemporaryFile("no database")
    let named = try CacheOptions.parse(["--cache", "sqlite:\(file.path)"])
    let failure = await #expect(throws: Failure.self) { _ = try await openTokenStore(named) }
    #expect(failure?.status == .environmentFailed)
    #expect(failure?.message.contains(file.path) == true)
    #expect(try await openTokenStore(CacheOptions.parse(["--cache", "none"])) == nil)
    let sized = try CacheOptions.parse(["--cache", "postgres://127.0.0.1:1/a", "--cache-size", "1G"])
    #expect(
      await #expect(throws: Failure.self) { _ = try await openTokenStore(sized) }?.status
        == .unusableArguments)
  }

  @Test("Bytes and ages have units")
  func quantities() {
    #expect(ByteCount(argument: "1500")?.bytes == 1500)
    #expect(ByteCount(argument: "64k")?.bytes == 65536)
    #expect(ByteCount(argument: "20G")?.bytes == 20 << 30)
    #expect(ByteCount(argument: "0")?.bytes == 0)
    for text in ["0", "1500", "64K", "8M", "20G", "1500K", "2048T"] {
      #expect(ByteCount(argument: text)?.defaultValueDescription == text)
    }
    for bad in ["", "G", "-1", "1.5G", "5GB", "99999999T", "٣"] { #expect(ByteCount(argument: bad) == nil) }
    #expect(Age(argument: "30d")?.seconds == 30 * 86_400)
    #expect(Age(argument: "90s")?.seconds == 90)
    for bad in ["", "d", "30", "-1d", "1y", "9999999999w"] { #expect(Age(argument: bad) == nil) }
  }

  @Test("Statistics are shown as text, and keep their names in JSON")
  func report() throws {
    var statistics = TokenStoreStatistics(entries: 3, bytes: 5000)
    statistics.models = ["small": .init(entries: 1, bytes: 1000), "large": .init(entries: 2, bytes: 4000)]
    let report = CacheReport(path: "/c/tokens.sqlite", statistics: statistics, fileBytes: 16384)
    #expect(report.models.map(\.name) == ["large", "small"])
    #expect(report.text.hasPrefix("/c/tokens.sqlite\n3 images, "))
  }

  @Test("The summary tells of the cache, once it was asked")
  func summary() {
    var counts = RunCounts()
    counts.jobsBegun = 1
    func text() -> String { ProgressText(counts: counts, share: 1, elapsed: .seconds(1)).summary() }
    #expect(!text().contains("cache"))
    for event in [TokenCacheEvent.hit, .hit, .miss, .saved, .damaged, .unsaved] {
      counts.add(.tokenCache(event))
    }
    #expect(text().contains("\ntoken cache: 2 hits, 2 misses, 1 of them damaged, 1 not saved"))
  }
}
