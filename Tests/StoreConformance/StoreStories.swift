import Answering
import Foundation

extension StoreStory {
  public static let all = keeping + pruning + together + persisting

  private static let keeping = [
    StoreStory("What was saved is loaded, and nothing else") { open in
      let store = try await open()
      try expectEqual(try await store.load(.story("cat")), nil, "an empty store")
      let entry = TokenEntry.story("cat", bytes: 300_000, fill: 7)
      try await store.save(entry)
      try expectEqual(try await store.load(entry.key), entry.blob, "the saved blob")
      try expectEqual(try await store.load(.story("dog")), nil, "another key")
      try await store.close()
    },
    StoreStory("A blob of any bytes, and an empty one, comes back as it was") { open in
      let store = try await open()
      for (index, blob) in [Data(), Data(0...255), Data("it's \\x00 \"quoted\"".utf8)].enumerated() {
        var entry = TokenEntry.story("\(index)")
        entry.blob = blob
        entry.model = "'; DROP TABLE x; -- \u{1F408}"
        try await store.save(entry)
        try expectEqual(try await store.load(entry.key), blob, "blob \(index)")
      }
      try await store.close()
    },
    StoreStory("A second save replaces the first") { open in
      let store = try await open()
      for (fill, bytes) in [(UInt8(1), 400), (2, 100), (3, 9000)] {
        try await store.save(.story("cat", bytes: bytes, fill: fill))
        try expectEqual(
          try await store.load(.story("cat")), Data(repeating: fill, count: bytes), "save \(fill)")
        let statistics = try await store.statistics()
        try expectEqual(statistics.entries, 1, "entries")
        try expectEqual(statistics.bytes, bytes, "bytes")
      }
      try await store.close()
    },
    StoreStory("Statistics count entries and bytes, by model too, and tell the uses' times") { open in
      let store = try await open()
      try expectEqual(try await store.statistics(), TokenStoreStatistics(), "an empty store's statistics")
      let begin = Date.now
      try await store.save(.story("a", bytes: 10, model: "large"))
      try await pause()
      try await store.save(.story("b", bytes: 20, model: "small"))
      try await store.save(.story("c", bytes: 30, model: "small"))
      let statistics = try await store.statistics()
      try expectEqual(statistics.entries, 3, "entries")
      try expectEqual(statistics.bytes, 60, "bytes")
      try expectEqual(
        statistics.models, ["large": .init(entries: 1, bytes: 10), "small": .init(entries: 2, bytes: 50)],
        "models")
      guard let oldest = statistics.oldestUse, let newest = statistics.newestUse else {
        throw StoreFailure(description: "no times of use")
      }
      try expect(oldest < newest, "the oldest use \(oldest) is not before the newest \(newest)")
      try expect(oldest > begin - 1 && newest < Date.now + 1, "uses \(oldest)…\(newest), begun \(begin)")
      try await pause()
      _ = try await store.load(.story("a"))
      let after = try await store.statistics()
      try expect((after.newestUse ?? oldest) > newest, "a load is no use")
      try await store.close()
    },
  ]

  private static let pruning = [
    StoreStory("Pruning to bytes deletes the least recently used, and no more than it must") { open in
      let store = try await open()
      try await store.save(story: ["a", "b", "c", "d"])
      _ = try await store.load(.story("a"))
      try await pause()
      let result = try await store.prune(PruneLimits(bytes: 250))
      try expectEqual(result, PruneResult(entries: 2, bytes: 200), "pruned")
      try expectEqual(try await store.present(["a", "b", "c", "d"]), ["a", "d"], "left")
      try expectEqual(
        try await store.prune(PruneLimits(bytes: 200)), PruneResult(entries: 0, bytes: 0), "pruned again")
      try expectEqual(try await store.prune(PruneLimits(bytes: 0)).entries, 2, "pruned to nothing")
      try await store.close()
    },
    StoreStory("Pruning by age deletes what was not used since") { open in
      let store = try await open()
      try await store.save(story: ["a", "b"])
      let since = Date.now
      try await pause()
      try await store.save(story: ["c"])
      _ = try await store.load(.story("b"))
      let result = try await store.prune(PruneLimits(unusedSince: since))
      try expectEqual(result, PruneResult(entries: 1, bytes: 100), "pruned")
      try expectEqual(try await store.present(["a", "b", "c"]), ["b", "c"], "left")
      try await store.close()
    },
    StoreStory("Pruning by both deletes the old first, then what is too much; without limits nothing") {
      open in
      let store = try await open()
      try await store.save(story: ["a", "b"])
      let since = Date.now
      try await pause()
      try await store.save(story: ["c", "d", "e"])
      try expectEqual(try await store.prune(PruneLimits()), PruneResult(entries: 0, bytes: 0), "no limits")
      let result = try await store.prune(PruneLimits(bytes: 200, unusedSince: since))
      try expectEqual(result, PruneResult(entries: 3, bytes: 300), "pruned")
      try expectEqual(try await store.present(["a", "b", "c", "d", "e"]), ["d", "e"], "left")
      try await store.close()
    },
    StoreStory("Pruning takes many entries") { open in
      let store = try await open()
      for index in 0..<300 { try await store.save(.story("\(index)", bytes: 10)) }
      let result = try await store.prune(PruneLimits(bytes: 55))
      try expectEqual(result, PruneResult(entries: 295, bytes: 2950), "pruned")
      try expectEqual(try await store.statistics().bytes, 50, "bytes left")
      try await store.close()
    },
  ]

  private static let together = [
    StoreStory("Many read and write at once, and nobody sees half an entry") { open in
      let store = try await open()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<8 {
          group.addTask {
            for round in 0..<25 {
              // The blob's length follows from its content.
              let fill = UInt8(1 + (writer * 25 + round) % 200)
              try await store.save(.story("\(round % 5)", bytes: Int(fill) * 100, fill: fill))
            }
          }
          group.addTask {
            for round in 0..<50 {
              guard let blob = try await store.load(.story("\(round % 5)")), let fill = blob.first else {
                continue
              }
              let isWhole = blob.count == Int(fill) * 100 && blob.allSatisfy { $0 == fill }
              try expect(isWhole, "a blob of \(blob.count) bytes that begins with \(fill)")
            }
          }
        }
        group.addTask {
          for _ in 0..<5 {
            _ = try await store.statistics()
            _ = try await store.prune(PruneLimits(bytes: 40_000))
          }
        }
        try await group.waitForAll()
      }
      for name in 0..<5 { try await store.save(.story("\(name)")) }
      try expectEqual(try await store.statistics().entries, 5, "entries")
      try await store.close()
    }
  ]

  private static let persisting = [
    StoreStory("What was saved is there when the store is opened again", needsPersistence: true) { open in
      let first = try await open()
      try await first.save(.story("cat", bytes: 5000))
      try await first.close()
      let second = try await open()
      try expectEqual(
        try await second.load(.story("cat")), Data(repeating: 1, count: 5000), "the saved blob")
      try await second.close()
    },
    StoreStory("Closing writes the uses that were noted", needsPersistence: true) { open in
      let first = try await open()
      try await first.save(story: ["a", "b"])
      _ = try await first.load(.story("a"))
      try await first.close()
      let second = try await open()
      _ = try await second.prune(PruneLimits(bytes: 100))
      try expectEqual(try await second.present(["a", "b"]), ["a"], "left")
      try await second.close()
    },
    StoreStory("Two open stores see each other's entries", needsPersistence: true) { open in
      let (first, second) = (try await open(), try await open())
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (store, name) in [(first, "first"), (second, "second")] {
          group.addTask { for index in 0..<20 { try await store.save(.story("\(name) \(index)")) } }
        }
        try await group.waitForAll()
      }
      try expectEqual(try await first.statistics().entries, 40, "entries")
      try expect(try await second.load(.story("first 19")) != nil, "the other's entry is not seen")
      try await first.close()
      try await second.close()
    },
  ]
}
