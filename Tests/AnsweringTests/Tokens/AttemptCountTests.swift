import StoreConformance
import Testing

@testable import Answering

@Suite("Attempt counts in memory")
struct AttemptCountTests {
  @Test("They do what all attempt counts do", arguments: AttemptStory.all.filter { !$0.needsPersistence })
  func conforms(_ story: AttemptStory) async throws {
    try await story.run { (MemoryAttemptCounts(), {}) }
  }

  @Test("Counts that nobody ended go when they are old")
  func old() async throws {
    let counts = MemoryAttemptCounts(kept: .zero)
    let job = JobKey(group: "g", topic: "t", partition: 0, offset: 1)
    #expect(await counts.begin([job]) == [1])
    #expect(await counts.begin([job]) == [1])
  }
}
