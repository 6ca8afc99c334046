import CRdKafka

/// Partitions that are not fetched for now, and why.
///
/// Only what is paused is resumed: a needless resume costs what was fetched.
struct PausedPartitions {
  private let client: KafkaClient
  private let topic: String
  /// Nothing more can be taken.
  private(set) var full: Set<Int32> = []
  /// What was read of them cannot be published.
  private(set) var withheld: Set<Int32> = []
  /// Where those that were taken up again must go on.
  private var restarts: [Int32: Int64] = [:]

  init(_ client: KafkaClient, topic: String) {
    self.client = client
    self.topic = topic
  }

  var isWaitingForRoom: Bool { !full.isEmpty }

  // MARK: Nothing more can be taken

  mutating func pause(_ partitions: some Sequence<Int32>) {
    let new = Set(partitions).subtracting(withheld).subtracting(full)
    fetch(new, false)
    full.formUnion(new)
  }

  mutating func resume() {
    fetch(full, true)
    full = []
  }

  // MARK: What cannot be published

  mutating func withhold(_ partition: Int32) {
    if full.remove(partition) == nil { fetch([partition], false) }
    withheld.insert(partition)
    restarts[partition] = nil
  }

  /// While nothing more can be taken it stays paused, as the others do, until `resume`.
  ///
  /// - Parameter offset: where to go on; nil where it was not read yet.
  mutating func takeUp(_ partition: Int32, at offset: Int64?) {
    withheld.remove(partition)
    if let offset {
      restarts[partition] = offset
      // Without waiting: whether it went well is seen by the first record.
      let offsets = KafkaPartitions(topic: topic, offsets: [partition: offset])
      _ = KafkaError(taking: rd_kafka_seek_partitions(client.handle, offsets.list, 0))
    }
    if isWaitingForRoom {
      full.insert(partition)
    } else {
      fetch([partition], true)
    }
  }

  /// Whether this is a partition's first record after it was taken up, and others are missing before it.
  mutating func isGap(_ offset: Int64, of partition: Int32) -> Bool {
    guard let expected = restarts.removeValue(forKey: partition) else { return false }
    return offset > expected
  }

  // MARK: Rebalances

  /// A pause would outlive it.
  mutating func revoke(_ partitions: [Int32]) {
    for partition in partitions {
      restarts[partition] = nil
      let wasPaused = full.contains(partition) || withheld.contains(partition)
      full.remove(partition)
      withheld.remove(partition)
      if wasPaused { fetch([partition], true) }
    }
  }

  private func fetch(_ numbers: Set<Int32>, _ isWanted: Bool) {
    if numbers.isEmpty { return }
    let partitions = KafkaPartitions(topic: topic, numbers)
    if isWanted {
      rd_kafka_resume_partitions(client.handle, partitions.list)
    } else {
      rd_kafka_pause_partitions(client.handle, partitions.list)
    }
  }
}
