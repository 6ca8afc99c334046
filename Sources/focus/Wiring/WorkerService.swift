import Answering
import KafkaJobs
import LlavaModel
import Logging
import ServiceLifecycle
import Synchronization

/// The worker as a service: loads the model, answers jobs, and drains when the group shuts down.
final class WorkerService: Service {
  private let kafka: KafkaSettings
  private let pipeline: PipelineSettings
  private let parameters: GenerationParameters
  private let images: any ImageSource
  private let store: (any TokenStore)?
  /// Beside the tokens where their store can count, so that a worker's death does not take the count along.
  private let attempts: any AttemptCounts
  private let registry: PrometheusRegistry
  private let loadModel: @Sendable () async throws -> LlavaModel
  private let connection = Mutex<KafkaConnection?>(nil)

  init(
    kafka: KafkaSettings, pipeline: PipelineSettings, parameters: GenerationParameters,
    images: any ImageSource,
    store: (any TokenStore)?, registry: PrometheusRegistry,
    loadModel: @escaping @Sendable () async throws -> LlavaModel
  ) {
    self.kafka = kafka
    self.pipeline = pipeline
    self.parameters = parameters
    self.images = images
    self.store = store
    attempts = (store as? any AttemptCounts) ?? MemoryAttemptCounts()
    self.registry = registry
    self.loadModel = loadModel
  }

  /// Whether the model is loaded and partitions are assigned.
  var isReady: Bool { connection.withLock { $0?.isAssigned ?? false } }

  func run() async throws {
    let log = Logger(label: "focus.worker")
    let drain = Signal()
    try await withGracefulShutdownHandler {
      log.info("loading the model")
      let model = try await loadModel()
      log.info(
        "loaded \(model.identity.name); reading \(kafka.jobsTopic) at \(kafka.brokers) as \(kafka.group)")
      if drain.isRaised { return }
      try await answer(with: model, until: drain)
    } onGracefulShutdown: {
      log.info("finishing the jobs in flight")
      drain.raise()
    }
  }

  private func answer(with model: LlavaModel, until drain: Signal) async throws {
    let metrics = WorkerMetrics(registry, model: model.identity)
    await model.onEachStep { metrics.stepped(rows: $0, cellsUsed: $1) }
    let progress = RunProgress(passingOnTo: metrics) { nil }
    let worker = KafkaWorker(
      kafka, limits: JobLimits(messageBytes: kafka.largestRecord), defaults: parameters,
      attempts: attempts,
      onLag: { [topic = kafka.jobsTopic] lags in metrics.lags(lags, topic: topic) },
      onConnection: { connection in self.connection.withLock { $0 = connection } }
    ) { [images, store, pipeline] connection in
      Pipeline(
        source: connection.source, images: images, model: model, sink: connection.sink, store: store,
        settings: pipeline, observer: progress)
    }
    _ = try await progress.shown { try await worker.run(until: drain) }
    StandardError.shared.write(progress.text.summary())
  }
}
