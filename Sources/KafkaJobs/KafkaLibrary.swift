import CRdKafka

/// The librdkafka that is there at run time.
public struct KafkaLibrary: Sendable, Equatable {
  /// As in "2.0.2".
  public var version: String
  private var number: Int32

  public static var current: KafkaLibrary {
    KafkaLibrary(version: String(cString: rd_kafka_version_str()), number: rd_kafka_version())
  }

  /// Made of librdkafka's own number: two hexadecimal digits each for major, minor and revision.
  init(version: String, number: Int32) {
    self.version = version
    self.number = number
  }

  public var isTooOld: Bool { number < 0x0200_02FF }

  /// What newer versions have mended that a worker meets.
  public var faults: [String] {
    var faults: [(until: Int32, what: String)] = [
      (0x0201_00FF, "consuming in batches while paused skips offsets"),
      (
        0x0203_00FF,
        "an idempotent producer may end at a disconnect; closing a cooperative consumer may crash"
      ),
      (0x0204_00FF, "closing a cooperative consumer may hang; a redundant resume reads records again"),
      (0x0206_01FF, "cooperative-sticky assignment may loop without end"),
      (0x020E_02FF, "closing without a group coordinator may crash"),
    ]
    faults.removeAll { number >= $0.until }
    var texts = faults.map(\.what)
    if [0x0205_0000, 0x020A_0000].contains(number & ~0xFF) {
      texts.append("this version is known to be faulty")
    }
    return texts
  }

  /// A version without any of them.
  public static let recommended = "2.14.2"
}
