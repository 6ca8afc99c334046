import Foundation
import Testing

@testable import Images

@Suite struct BlockingThreadsTests {
  @Test func workRunsOnNamedThreads() async throws {
    let threads = BlockingThreads(name: "test-work", count: 1)
    #if os(Linux)
      let name = try await threads.run { _ in
        try String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
      }
      #expect(name == "test-work-1\n")
    #endif
  }

  @Test func workBeginsInOrderOfArrivalAndErrorsReachTheCaller() async throws {
    struct Failure: Error {}
    let threads = BlockingThreads(name: "test-work", count: 1)
    await #expect(throws: Failure.self) { try await threads.run { _ in throw Failure() } }
    for index in 0..<200 {
      #expect(try await threads.run { _ in index } == index)
    }
  }

  @Test func cancellingAbandonsWorkThatWaits() async throws {
    let threads = BlockingThreads(name: "test-work", count: 1)
    let begun = AsyncStream<Void>.makeStream()
    let blocker = DispatchSemaphore(value: 0)
    let first = Task {
      try await threads.run { _ in
        begun.continuation.yield()
        blocker.wait()
      }
    }
    for await _ in begun.stream { break }
    let second = Task { try await threads.run { _ in Issue.record("cancelled work ran") } }
    second.cancel()
    await #expect(throws: CancellationError.self) { try await second.value }
    blocker.signal()
    try await first.value
    // Everything before this call has left the queue.
    try await threads.run { _ in }
  }
}
