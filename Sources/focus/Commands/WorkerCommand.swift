import Answering
import ArgumentParser
import KafkaJobs
import Logging
import ServiceLifecycle

/// `focus worker`: answers jobs from Kafka, one of many in a consumer group.
struct WorkerCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker",
    abstract: "Answers jobs from Kafka until it is stopped.",
    discussion: """
      focus worker --model DIR --brokers kafka:9092 --cache postgres://focus@db/focus

      Workers of one group divide the jobs, and share encoded images through the cache. SIGTERM finishes the jobs in \
      flight within --drain-timeout, and leaves the rest to the others.
      """)

  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Group") var group: GroupOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Answers") var answers: AnswerOptions
  @OptionGroup(title: "Images") var images: ImageOptions
  @OptionGroup(title: "Cache") var cache: CacheOptions
  @OptionGroup(title: "Work in flight") var work: PipelineOptions
  @OptionGroup(title: "Status") var listen: ListenOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    var settings = try work.settings()
    settings.compression = answers.compression ?? settings.compression
    var kafkaSettings = try kafka.settings()
    group.apply(to: &kafkaSettings)
    let parameters = try answers.parameters()
    let images = try makeImageSource(images)
    let (kafka, pipeline) = (kafkaSettings, settings)
    try await withTokenStore(cache, outlivesOutages: true) { store in
      let registry = PrometheusRegistry(WorkerMetrics.descriptions)
      let worker = WorkerService(
        kafka: kafka, pipeline: pipeline, parameters: parameters, images: images, store: store,
        registry: registry,
        loadModel: { try await loadModel(model) })
      try await serve(worker, registry, drainTimeout: pipeline.drainTimeout)
    }
  }

  /// Runs the worker, and beside it, also while the model is loaded, what tells of it.
  private func serve(
    _ worker: WorkerService, _ registry: PrometheusRegistry, drainTimeout: Duration
  ) async throws {
    var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
    if let status = StatusServer(registry, isReady: { worker.isReady }).application(at: listen.listen) {
      services.append(.init(service: status, serviceName: "status"))
    }
    services.append(
      .init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup, serviceName: "worker"))
    var log = Logger(label: "focus.services")
    log.logLevel = .warning
    var configuration = ServiceGroupConfiguration(
      services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
    // The drain ends by itself; this is for what hangs.
    configuration.maximumGracefulShutdownDuration = drainTimeout + .seconds(10)
    // As long as the vision tower of the slowest CPUs takes for one image, which nothing cuts short.
    configuration.maximumCancellationDuration = .seconds(30)
    do {
      try await ServiceGroup(configuration: configuration).run()
    } catch KafkaFailure.settings(let reason) {
      throw Failure.unusable(reason)
    } catch let failure as KafkaFailure {
      throw Failure.environment("\(failure)")
    }
  }
}
