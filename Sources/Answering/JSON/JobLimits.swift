/// How large a job message may be.
public struct JobLimits: Sendable, Equatable {
  /// Bytes of one message, checked before it is parsed.
  public var messageBytes: Int

  public init(messageBytes: Int) {
    self.messageBytes = messageBytes
  }

  /// A line of a file: base64 of an image of 64 MiB (85 MiB of text) and 10 MiB for the questions.
  public static let files = JobLimits(messageBytes: 96 << 20)
  /// A record of a topic: brokers are rarely set up for more, and a broker holds many at once.
  public static let records = JobLimits(messageBytes: 8 << 20)
}
