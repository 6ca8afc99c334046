/// Publishes outcomes. `publish` returns when the outcome is as durable as the sink promises.
public protocol ResultSink: Sendable {
  func publish(_ outcome: JobOutcome) async throws
}

/// Every way a job can end.
public enum JobOutcome: Sendable {
  /// Each question has a result: an answer, or the question's own error.
  case answered([JobResult], of: Job, delivery: Delivery)
  /// The job as a whole was refused.
  case rejected(DeadLetter, delivery: Delivery)

  public var delivery: Delivery {
    switch self {
    case .answered(_, _, let delivery), .rejected(_, let delivery): delivery
    }
  }
}
