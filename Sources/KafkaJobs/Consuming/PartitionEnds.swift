import Foundation

/// Where a topic's partitions end, out of librdkafka's statistics (JSON).
struct PartitionEnds: Decodable {
  private struct Topic: Decodable {
    var partitions: [String: Partition]
  }

  private struct Partition: Decodable {
    var partition: Int32
    /// Behind the last record of a finished transaction; -1 where it is not known.
    var lastStable: Int64
    /// The next record to be fetched; -1001 where it is not known.
    var next: Int64

    enum CodingKeys: String, CodingKey {
      case partition
      case lastStable = "ls_offset"
      case next = "next_offset"
    }
  }

  private var topics: [String: Topic]

  /// Records between `position`, or where nothing was read yet the next one to be fetched, and the end.
  func lag(_ topic: String, _ partition: Int32, position: Int64?) -> Int64? {
    guard let found = topics[topic]?.partitions[String(partition)], found.lastStable >= 0 else { return nil }
    let position = position ?? found.next
    return position < 0 ? nil : max(0, found.lastStable - position)
  }

  /// nil where the text is no statistics.
  init?(statistics: String) {
    guard let ends = try? JSONDecoder().decode(PartitionEnds.self, from: Data(statistics.utf8)) else {
      return nil
    }
    self = ends
  }
}
