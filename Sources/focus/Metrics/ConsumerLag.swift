import Foundation

/// The lag of each partition in librdkafka's statistics.
struct ConsumerLag: Decodable {
  struct Topic: Decodable {
    struct Partition: Decodable {
      var partition: Int32
      /// -1 where it is not known.
      var consumerLag: Int64

      enum CodingKeys: String, CodingKey {
        case partition
        case consumerLag = "consumer_lag"
      }
    }

    var partitions: [String: Partition]
  }

  var topics: [String: Topic]

  /// Calls `body` with what is known. Nothing where the text is no statistics.
  static func read(_ statistics: String, _ body: (_ topic: String, _ partition: Int32, _ lag: Int64) -> Void)
  {
    guard let found = try? JSONDecoder().decode(ConsumerLag.self, from: Data(statistics.utf8)) else { return }
    for (name, topic) in found.topics {
      for partition in topic.partitions.values where partition.partition >= 0 && partition.consumerLag >= 0 {
        body(name, partition.partition, partition.consumerLag)
      }
    }
  }
}
