import Answering
import Foundation

/// One thing that every `AttemptCounts` must do, as a short story; told like a `StoreStory`.
public struct AttemptStory: Sendable, CustomStringConvertible {
  /// Counts, and how to let go of them. The first opening of a story finds none; a later one what was left.
  public typealias Open =
    @Sendable () async throws -> (counts: any AttemptCounts, close: @Sendable () async throws -> Void)

  public let description: String
  /// Whether counts must be there when they are opened again.
  public let needsPersistence: Bool
  private let tell: @Sendable (Open) async throws -> Void

  private init(
    _ description: String, needsPersistence: Bool = false,
    tell: @escaping @Sendable (Open) async throws -> Void
  ) {
    self.description = description
    self.needsPersistence = needsPersistence
    self.tell = tell
  }

  /// Throws `StoreFailure` where the counts are others, and whatever they throw.
  public func run(on open: Open) async throws { try await tell(open) }

  public static let all = [
    AttemptStory("A job that is begun again and again is counted, each for itself") { open in
      let (counts, close) = try await open()
      let (a, b) = (JobKey.story(1), JobKey.story(2))
      try expectEqual(try await counts.begin([a]), [1], "the first time")
      try expectEqual(try await counts.begin([b, a]), [1, 2], "in the order asked")
      try expectEqual(try await counts.begin([a, b]), [3, 2], "in the order asked, turned round")
      try expectEqual(try await counts.begin([]), [], "nothing")
      try await close()
    },
    AttemptStory("A job that ended is forgotten, its neighbour is not") { open in
      let (counts, close) = try await open()
      let (a, b) = (JobKey.story(1), JobKey.story(2))
      _ = try await counts.begin([a, b])
      try await counts.end([a, .story(9)])
      try await counts.end([])
      try expectEqual(try await counts.begin([a, b]), [1, 2], "after the end")
      try await close()
    },
    AttemptStory("A job that is withdrawn loses one beginning") { open in
      let (counts, close) = try await open()
      let (a, b) = (JobKey.story(1), JobKey.story(2))
      _ = try await counts.begin([a])
      _ = try await counts.begin([a, b])
      try await counts.withdraw([a, b, .story(9)])
      try await counts.withdraw([b])
      try expectEqual(try await counts.begin([a, b]), [2, 1], "after the withdrawal")
      try await close()
    },
    AttemptStory("A job named twice in a call is counted once") { open in
      let (counts, close) = try await open()
      let a = JobKey.story(1)
      try expectEqual(try await counts.begin([a, a]), [1, 1], "twice")
      _ = try await counts.begin([a])
      try await counts.withdraw([a, a])
      try expectEqual(try await counts.begin([a]), [2], "withdrawn twice")
      try await close()
    },
    AttemptStory("Groups, topics, partitions and offsets make other jobs; names may be odd") { open in
      let (counts, close) = try await open()
      let jobs = [
        JobKey(group: "g", topic: "t", partition: 0, offset: 0),
        JobKey(group: "h", topic: "t", partition: 0, offset: 0),
        JobKey(group: "g", topic: "u", partition: 0, offset: 0),
        JobKey(group: "g", topic: "t", partition: 1, offset: 0),
        JobKey(group: "g", topic: "t", partition: 0, offset: .max),
        JobKey(group: "'; DROP TABLE x; -- \u{1F408}/{}\"\\\0", topic: "t", partition: -1, offset: 1),
        JobKey(group: "", topic: "", partition: 0, offset: 0),
      ]
      try expectEqual(try await counts.begin(jobs), jobs.map { _ in 1 }, "each for itself")
      try expectEqual(try await counts.begin(jobs.reversed()), jobs.map { _ in 2 }, "again")
      try await counts.end(jobs)
      try expectEqual(try await counts.begin(jobs), jobs.map { _ in 1 }, "after the end")
      try await close()
    },
    AttemptStory("Many jobs are one call") { open in
      let (counts, close) = try await open()
      let jobs = (0..<2000).map { JobKey.story($0) }
      try expectEqual(Set(try await counts.begin(jobs)), [1], "all once")
      try await counts.end(Array(jobs.dropFirst(1000)))
      try expectEqual(try await counts.begin(jobs).filter { $0 == 2 }.count, 1000, "those not ended")
      try await close()
    },
    AttemptStory("Many workers count at once, and nothing is lost") { open in
      let (counts, close) = try await open()
      let jobs = (0..<50).map { JobKey.story($0) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask { for _ in 0..<5 { _ = try await counts.begin(jobs.shuffled()) } }
        }
        try await group.waitForAll()
      }
      try expectEqual(Set(try await counts.begin(jobs)), [41], "all")
      try await close()
    },
    AttemptStory("Counts are there when they are opened again", needsPersistence: true) { open in
      let (first, closeFirst) = try await open()
      _ = try await first.begin([.story(1)])
      try await closeFirst()
      let (second, closeSecond) = try await open()
      try expectEqual(try await second.begin([.story(1)]), [2], "the second opening")
      try await closeSecond()
    },
    AttemptStory("Two that are open count together", needsPersistence: true) { open in
      let ((first, closeFirst), (second, closeSecond)) = (try await open(), try await open())
      _ = try await first.begin([.story(1)])
      try expectEqual(try await second.begin([.story(1)]), [2], "the other's count")
      try await first.end([.story(1)])
      try expectEqual(try await second.begin([.story(1)]), [1], "after the other's end")
      try await closeFirst()
      try await closeSecond()
    },
  ]
}

extension JobKey {
  fileprivate static func story(_ offset: Int) -> JobKey {
    JobKey(group: "group", topic: "focus.jobs", partition: 3, offset: Int64(offset))
  }
}
