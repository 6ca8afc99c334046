/// Watches a run: for the progress bar, the closing summary and metrics. Called from many tasks at once.
public protocol ProgressObserver: Sendable {
  func observe(_ event: ProgressEvent)
}

/// What happened in a run.
public enum ProgressEvent: Sendable {
  /// A delivery was read and its job begun.
  case began(Delivery)
  /// One job spent this long in a stage, waiting not included.
  case stage(Stage, Duration)
  /// The token store was asked for an image's tokens, or given some.
  case tokenCache(TokenCacheEvent)
  /// The outcome is published and its delivery finished.
  case published(JobOutcome)
  /// The delivery was given up unfinished; a later run reads it again.
  case abandoned(Delivery)
}

/// What came of one request to the token store. A job that shares the tokens of another in flight makes none.
public enum TokenCacheEvent: String, Sendable, CaseIterable {
  case hit
  case miss
  /// A miss: what was stored is no compressed image. It is replaced.
  case damaged
  /// A miss: the store failed, or is left alone for a while because it did.
  case unavailable
  case saved
  /// The store failed to save; the image is encoded again when it next comes.
  case unsaved
}

/// The parts of a job's way, in order.
public enum Stage: String, Sendable, CaseIterable {
  case fetch
  /// Looking into the token store.
  case cache
  case tile
  case vision
  case answer
  case publish
}

/// What a run has done so far.
public struct RunCounts: Sendable, Equatable {
  public var jobsBegun = 0
  public var jobsAnswered = 0
  /// Jobs refused as a whole.
  public var jobsRejected = 0
  public var jobsAbandoned = 0
  public var questionsAnswered = 0
  /// Questions of answered jobs that got an error in place of an answer.
  public var questionsFailed = 0
  public var promptTokens = 0
  public var completionTokens = 0
  public var visualTokensEncoded = 0
  public var visualTokensSelected = 0
  /// Requests to the token store.
  public var tokenCache: [TokenCacheEvent: Int] = [:]
  /// Time spent in each stage, summed over jobs; stages overlap, so this may exceed the run's own time.
  public var stageTimes: [Stage: Duration] = [:]

  public var jobsPublished: Int { jobsAnswered + jobsRejected }
  public var jobsOpen: Int { jobsBegun - jobsPublished - jobsAbandoned }
  /// Whether some job or question got no answer.
  public var hasFailures: Bool { jobsRejected + questionsFailed > 0 }

  public init() {}

  public mutating func add(_ event: ProgressEvent) {
    switch event {
    case .began:
      jobsBegun += 1
    case .stage(let stage, let duration):
      stageTimes[stage, default: .zero] += duration
    case .tokenCache(let event):
      tokenCache[event, default: 0] += 1
    case .abandoned:
      jobsAbandoned += 1
    case .published(.rejected):
      jobsRejected += 1
    case .published(.answered(let results, _, _)):
      jobsAnswered += 1
      for result in results { add(result) }
    }
  }

  private mutating func add(_ result: JobResult) {
    visualTokensEncoded += result.visualTokens?.encoded ?? 0
    visualTokensSelected += result.visualTokens?.selected ?? 0
    switch result.outcome {
    case .failure:
      questionsFailed += 1
    case .success(let answer):
      questionsAnswered += 1
      promptTokens += answer.promptTokens
      completionTokens += answer.completionTokens
    }
  }
}
