/// Yields jobs, and bad messages as values so that the loop survives them.
public protocol JobSource: Sendable {
  /// The next delivery; nil at the end. Throws only when the source itself is broken. Called by one task at a
  /// time; returns nil or throws `CancellationError` soon after its task is cancelled, losing no delivery that
  /// a later run could read.
  func next() async throws -> Delivery?

  /// The delivery's outcome is published: its place need not be read again.
  func finish(_ delivery: Delivery) async throws

  /// The delivery was given up without an outcome: a later run, or another worker, reads it again.
  func abandon(_ delivery: Delivery) async
}

extension JobSource {
  /// Nothing to do where nobody keeps count.
  public func abandon(_ delivery: Delivery) async {}
}

/// One message from a source: a job, or why it is none.
public struct Delivery: Sendable {
  /// Identifies the delivery within its source, rising in reading order.
  public var sequence: Int
  public var origin: Origin
  public var content: Result<Job, Rejection>
  /// The message as it came, at most 64 KiB of it, for the dead letter.
  public var payload: Payload?
  /// The job's id where it could be read from a rejected message.
  public var rejectedJobID: String?
  /// How often this message was begun, this time included, as far as the source knows.
  public var attempts = 1
  /// Raised when the source takes the delivery back: another worker answers it, and nothing of it may be published
  /// here. nil where a source never does.
  public var withdrawal: Signal?

  public var isWithdrawn: Bool { withdrawal?.isRaised ?? false }

  public init(
    sequence: Int, origin: Origin, content: Result<Job, Rejection>, payload: Payload? = nil,
    rejectedJobID: String? = nil
  ) {
    self.sequence = sequence
    self.origin = origin
    self.content = content
    self.payload = payload
    self.rejectedJobID = rejectedJobID
  }
}

/// Where a delivery was read.
public enum Origin: Sendable, Hashable {
  /// A whole file, such as an image of a folder.
  case file(String)
  /// A line of a file, counted from 1.
  case line(file: String, number: Int)
  /// A record of a topic; milliseconds since 1970.
  case record(topic: String, partition: Int32, offset: Int64, timestamp: Int64)
}

extension Origin: CustomStringConvertible {
  public var description: String {
    switch self {
    case .file(let path): path
    case .line(let file, let number): "\(file):\(number)"
    case .record(let topic, let partition, let offset, _): "\(topic)[\(partition)]@\(offset)"
    }
  }
}
