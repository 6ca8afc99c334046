import Foundation

/// A token store that lives as long as the process, bounded in bytes: the least recently used entries go first.
public actor MemoryTokenStore: TokenStore {
  private struct Held {
    var blob: Data
    var model: String
    var usedAt: Date
    /// Rises with every use: two uses may fall into one tick of the clock.
    var use: Int
  }

  private let capacity: Int
  private var entries: [TokenKey: Held] = [:]
  private var bytes = 0
  private var uses = 0

  /// - Parameter capacity: bytes of blobs held at most; a larger blob is not held at all.
  public init(capacity: Int = 1 << 30) {
    self.capacity = capacity
  }

  public func load(_ key: TokenKey) -> Data? {
    guard var held = entries[key] else { return nil }
    touch(&held)
    entries[key] = held
    return held.blob
  }

  public func save(_ entry: TokenEntry) {
    remove(entry.key)
    guard entry.blob.count <= capacity else { return }
    if bytes + entry.blob.count > capacity {
      // A little further than needed, so that not every save has to sort the entries.
      _ = shrink(to: max(0, capacity / 16 * 15 - entry.blob.count))
    }
    var held = Held(blob: entry.blob, model: entry.model, usedAt: .now, use: 0)
    touch(&held)
    entries[entry.key] = held
    bytes += entry.blob.count
  }

  public func statistics() -> TokenStoreStatistics {
    var statistics = TokenStoreStatistics(
      entries: entries.count, bytes: bytes, oldestUse: entries.values.map(\.usedAt).min(),
      newestUse: entries.values.map(\.usedAt).max())
    for held in entries.values {
      statistics.models[held.model, default: .init(entries: 0, bytes: 0)].entries += 1
      statistics.models[held.model, default: .init(entries: 0, bytes: 0)].bytes += held.blob.count
    }
    return statistics
  }

  public func prune(_ limits: PruneLimits) -> PruneResult {
    var result = PruneResult(entries: 0, bytes: 0)
    if let unusedSince = limits.unusedSince {
      for (key, held) in entries where held.usedAt < unusedSince {
        remove(key)
        result.entries += 1
        result.bytes += held.blob.count
      }
    }
    if let most = limits.bytes {
      let shrunk = shrink(to: most)
      result.entries += shrunk.entries
      result.bytes += shrunk.bytes
    }
    return result
  }

  public func close() {}

  private func touch(_ held: inout Held) {
    uses += 1
    held.use = uses
    held.usedAt = .now
  }

  private func remove(_ key: TokenKey) {
    if let removed = entries.removeValue(forKey: key) { bytes -= removed.blob.count }
  }

  /// Removes the least recently used entries until at most `most` bytes are held.
  private func shrink(to most: Int) -> PruneResult {
    var result = PruneResult(entries: 0, bytes: 0)
    guard bytes > most else { return result }
    for (key, held) in entries.sorted(by: { $0.value.use < $1.value.use }) where bytes > most {
      remove(key)
      result.entries += 1
      result.bytes += held.blob.count
    }
    return result
  }
}
