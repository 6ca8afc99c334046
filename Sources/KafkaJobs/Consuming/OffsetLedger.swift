/// Which offsets of the assigned partitions are in hand, and how far each partition may be committed.
///
/// Offsets finish in any order; a partition may be committed as far as everything before is finished too. Pure: the
/// consumer tells it what was assigned, read and taken away, and the publisher what was finished.
struct OffsetLedger: Sendable {
  /// One offset as it was read. A partition may go and come back: what was read before is then another's.
  struct Place: Hashable, Sendable {
    var partition: Int32
    /// Which of the partition's stays with this worker.
    var stay: Int
    var offset: Int64
  }

  private struct Stay: Sendable {
    var number: Int
    /// Read and not committed, in reading order; from `begun`.
    var offsets: [Int64] = []
    var begun = 0
    var finished: Set<Int64> = []
    /// Where to go on when all that was read is committed.
    var committed: Int64?

    var open: ArraySlice<Int64> { offsets[begun...] }

    /// Forgets the first `count` offsets.
    mutating func drop(_ count: Int) {
      for offset in open.prefix(count) { finished.remove(offset) }
      begun += count
      // Now and then, so that each offset is moved a constant number of times.
      if begun > 64, begun * 2 > offsets.count {
        offsets.removeFirst(begun)
        begun = 0
      }
    }
  }

  private var stays: [Int32: Stay] = [:]
  private var lastStay = 0

  /// Offsets read and not committed.
  var openCount: Int { stays.values.reduce(0) { $0 + $1.open.count } }
  var partitions: Set<Int32> { Set(stays.keys) }

  /// The first offset of each partition that is not committed; nil where nothing was read yet.
  var positions: [Int32: Int64?] { stays.mapValues { $0.open.first ?? $0.committed } }

  mutating func assign(_ partition: Int32) {
    lastStay += 1
    stays[partition] = Stay(number: lastStay)
  }

  /// The partition is another worker's from now on.
  mutating func remove(_ partition: Int32) {
    stays[partition] = nil
  }

  /// All that was read and not committed will be read again.
  mutating func restart(_ partition: Int32) {
    guard let stay = stays[partition] else { return }
    lastStay += 1
    stays[partition] = Stay(number: lastStay, committed: stay.open.first ?? stay.committed)
  }

  /// Places are read in rising order. nil where the partition is not assigned, or the offset was read already.
  mutating func read(_ offset: Int64, of partition: Int32) -> Place? {
    guard var stay = stays[partition], offset > stay.open.last ?? (stay.committed ?? 0) - 1 else {
      return nil
    }
    stay.offsets.append(offset)
    stays[partition] = stay
    return Place(partition: partition, stay: stay.number, offset: offset)
  }

  /// Whether the place is still this worker's, and not committed.
  func holds(_ place: Place) -> Bool {
    guard let stay = stays[place.partition], stay.number == place.stay else { return false }
    return stay.open.contains(place.offset)
  }

  /// Nothing where the place is no longer this worker's.
  mutating func finish(_ place: Place) {
    guard holds(place) else { return }
    stays[place.partition]?.finished.insert(place.offset)
  }

  /// It is to be done again: its outcome could not be published.
  mutating func reopen(_ place: Place) {
    guard holds(place) else { return }
    stays[place.partition]?.finished.remove(place.offset)
  }

  /// Finished places with nothing unfinished before them, in order, of every partition.
  func ready() -> [Place] {
    stays.flatMap { partition, stay in
      stay.open.prefix { stay.finished.contains($0) }.map {
        Place(partition: partition, stay: stay.number, offset: $0)
      }
    }
  }

  /// The place and all before it in its partition are committed.
  mutating func commit(through place: Place) {
    guard var stay = stays[place.partition], stay.number == place.stay else { return }
    stay.drop(stay.open.prefix { $0 <= place.offset }.count)
    stay.committed = max(stay.committed ?? 0, place.offset + 1)
    stays[place.partition] = stay
  }
}
