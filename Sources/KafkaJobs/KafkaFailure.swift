/// Why the worker cannot go on with its connection to Kafka.
public enum KafkaFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// A setting that librdkafka does not take.
  case settings(String)
  /// A newer worker has taken this one's place: it must end, and leave what it has in hand to the other.
  case fenced(String)
  /// The connection's state is unknown or spent: a new one goes on from the committed offsets.
  case broken(String)

  public var description: String {
    switch self {
    case .settings(let reason): reason
    case .fenced(let reason): "another worker has taken this one's place: \(reason)"
    case .broken(let reason): reason
    }
  }
}
