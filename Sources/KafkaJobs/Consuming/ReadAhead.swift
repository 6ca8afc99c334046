/// Records that were read before the pipeline has room for them, within bounds of their number and bytes.
struct ReadAhead {
  private var records: [JobsInHand.Record] = []
  private var bytes = 0
  private let most: Int
  private let mostBytes: Int

  init(most: Int, bytes: Int) {
    self.most = max(1, most)
    mostBytes = bytes
  }

  var isEmpty: Bool { records.isEmpty }

  /// Whether as much is read ahead as may be.
  var isFull: Bool { records.count >= most || bytes >= mostBytes }

  /// Whether so little is left that reading goes on.
  var isLow: Bool { records.count <= most / 2 && bytes <= mostBytes / 2 }

  mutating func append(_ record: JobsInHand.Record) {
    records.append(record)
    bytes += record.message.bytes
  }

  /// The oldest, at most `count`.
  mutating func take(_ count: Int) -> [JobsInHand.Record] {
    let taken = Array(records.prefix(count))
    records.removeFirst(taken.count)
    bytes -= taken.reduce(0) { $0 + $1.message.bytes }
    return taken
  }

  mutating func remove(of partitions: Set<Int32>) {
    records.removeAll { partitions.contains($0.place.partition) }
    bytes = records.reduce(0) { $0 + $1.message.bytes }
  }
}
