import Answering
import ArgumentParser
import Foundation

/// `focus cache prune`: deletes what was not used for long, then the least recently used.
struct CachePruneCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Deletes images from the cache, the least recently used first.",
    discussion: "focus cache prune --older-than 30d --max-bytes 5G")

  @Option(
    help: ArgumentHelp("Keep at most this much, as 500M or 2T.", valueName: "bytes"))
  var maxBytes: ByteCount?

  @Option(
    help: ArgumentHelp("Delete what was not used for so long, as 12h, 30d or 8w.", valueName: "age"))
  var olderThan: Age?

  @OptionGroup(title: "Cache") var cache: CacheOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    let cache = try LastingCache(cache)
    guard maxBytes != nil || olderThan != nil else {
      throw Failure.unusable("say what to delete: --max-bytes 5G, --older-than 30d, or both")
    }
    let limits = PruneLimits(
      bytes: maxBytes?.bytes,
      unusedSince: olderThan.map { Date.now.addingTimeInterval(-Double($0.seconds)) })
    try await cache.look { name, store in
      guard let store else { return print("\(name): no cache there yet") }
      let pruned = try await store.prune(limits)
      let left = try await store.statistics()
      print(
        "deleted \(ProgressText.count(pruned.entries, "image")), \(pruned.bytes.formattedBytes); "
          + "\(ProgressText.count(left.entries, "image")) left, \(left.bytes.formattedBytes)")
    }
  }
}
