import Answering
import Logging

/// Answers jobs from Kafka until it is told to stop, over as many connections as that takes.
public struct KafkaWorker: Sendable {
  private static let firstPause = Duration.seconds(1)
  private static let longestPause = Duration.seconds(30)

  private let settings: KafkaSettings
  private let log: Logger
  private let pipeline: @Sendable (KafkaConnection) -> Pipeline
  private let connect: @Sendable () throws(KafkaFailure) -> KafkaConnection
  private let onConnection: @Sendable (KafkaConnection?) -> Void

  /// - Parameters:
  ///   - onConnection: told each new connection, and nil when it has ended.
  ///   - pipeline: makes the way from a connection's source to its sink.
  public init(
    _ settings: KafkaSettings, limits: JobLimits = .records, defaults: GenerationParameters = .init(),
    attempts: (any AttemptCounts)? = nil, log: Logger = Logger(label: "focus.kafka"),
    onLag: (@Sendable ([Int32: Int64]) -> Void)? = nil,
    onConnection: @escaping @Sendable (KafkaConnection?) -> Void = { _ in },
    pipeline: @escaping @Sendable (KafkaConnection) -> Pipeline
  ) {
    self.settings = settings
    self.log = log
    self.pipeline = pipeline
    self.onConnection = onConnection
    connect = { () throws(KafkaFailure) in
      try KafkaConnection(
        settings, limits: limits, defaults: defaults, attempts: attempts, log: log, onLag: onLag
      )
    }
  }

  /// Returns once `drain` is raised and the jobs in flight are published, or abandoned after the drain's time.
  ///
  /// A broken connection is replaced, and its jobs are read again from the committed offsets; the ending counts what
  /// was done over the last. Throws `KafkaFailure` where another worker has taken this one's place or a setting is
  /// refused, and whatever else ends a pipeline.
  public func run(until drain: Signal) async throws -> Pipeline.Ending {
    var pause = Self.firstPause
    while true {
      let connection = try connect()
      onConnection(connection)
      let begun = ContinuousClock.now
      do {
        let ending = try await pipeline(connection).run(until: drain)
        await close(connection)
        return ending
      } catch KafkaFailure.broken(let reason) where !drain.isRaised {
        await close(connection)
        if ContinuousClock.now - begun > .seconds(60) { pause = Self.firstPause }
        log.warning("the connection to Kafka is given up, a new one follows in \(pause): \(reason)")
        try await drain.raised(within: pause)
        pause = min(pause * 2, Self.longestPause)
      } catch {
        await close(connection)
        throw error
      }
    }
  }

  private func close(_ connection: KafkaConnection) async {
    onConnection(nil)
    await connection.close()
  }
}
