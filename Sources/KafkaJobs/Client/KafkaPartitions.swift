import CRdKafka

/// A list of a topic's partitions, with offsets where they matter.
///
/// `~Copyable`: it owns librdkafka's list, or borrows one for a callback's time.
struct KafkaPartitions: ~Copyable {
  let list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>
  private let isOwned: Bool

  init(borrowing list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
    self.list = list
    isOwned = false
  }

  init() {
    list = rd_kafka_topic_partition_list_new(8)
    isOwned = true
  }

  /// - Parameter offset: or one of librdkafka's words for an end, or a time in milliseconds where it asks by time.
  func add(_ topic: String, _ partition: Int32, offset: Int64) {
    rd_kafka_topic_partition_list_add(list, topic, partition).pointee.offset = offset
  }

  init(topic: String, _ partitions: some Collection<Int32>) {
    list = rd_kafka_topic_partition_list_new(Int32(partitions.count))
    isOwned = true
    for partition in partitions { rd_kafka_topic_partition_list_add(list, topic, partition) }
  }

  /// - Parameter offsets: by partition.
  init(topic: String, offsets: [Int32: Int64]) {
    list = rd_kafka_topic_partition_list_new(Int32(offsets.count))
    isOwned = true
    for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
      rd_kafka_topic_partition_list_add(list, topic, partition).pointee.offset = offset
    }
  }

  deinit { if isOwned { rd_kafka_topic_partition_list_destroy(list) } }

  var numbers: [Int32] { (0..<Int(list.pointee.cnt)).map { list.pointee.elems[$0].partition } }
}
