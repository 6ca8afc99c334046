import Foundation
import StoreConformance
import Testing

@testable import Answering

@Suite("The token store in memory")
struct MemoryTokenStoreTests {
  @Test("It does what every token store does", arguments: StoreStory.all.filter { !$0.needsPersistence })
  func conforms(_ story: StoreStory) async throws {
    try await story.run { MemoryTokenStore() }
  }

  @Test("Beyond its capacity the least recently used entries go; what is too large is not kept")
  func capacity() async throws {
    let store = MemoryTokenStore(capacity: 250)
    for name in ["a", "b"] { await store.save(entry(name, bytes: 100)) }
    _ = await store.load(key("a"))
    await store.save(entry("c", bytes: 100))
    #expect(await store.load(key("a")) != nil)
    #expect(await store.load(key("b")) == nil)
    #expect(await store.statistics().bytes == 200)
    await store.save(entry("a", bytes: 251))
    #expect(await store.load(key("a")) == nil)
    #expect(await store.load(key("c")) != nil)
  }

  private func key(_ name: String) -> TokenKey { TokenKey(imageSHA256: name, recipe: "") }

  private func entry(_ name: String, bytes: Int) -> TokenEntry {
    TokenEntry(
      key: key(name), blob: Data(count: bytes), imageSHA256: name, model: "m", encodedTokens: 1, tokens: 1)
  }
}
