import Answering
import ArgumentParser
import KafkaJobs
import Logging

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
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    var pipelineSettings = try work.settings()
    pipelineSettings.compression = answers.compression ?? pipelineSettings.compression
    let settings = pipelineSettings
    var kafkaSettings = try kafka.settings()
    group.apply(to: &kafkaSettings)
    let worker = kafkaSettings
    let parameters = try answers.parameters()
    let images = try makeImageSource(images)
    try await withTokenStore(cache, outlivesOutages: true) { store in
      try await run(worker, settings, parameters: parameters, images: images, store: store)
    }
  }

  private func run(
    _ kafka: KafkaSettings, _ settings: PipelineSettings, parameters: GenerationParameters,
    images: some ImageSource, store: (any TokenStore)?
  ) async throws {
    let drain = Signal()
    let interrupts = Interrupts(beginning: drain, drainTimeout: settings.drainTimeout)
    defer { withExtendedLifetime(interrupts) {} }
    let log = Logger(label: "focus.worker")
    log.info("loading the model")
    let model = try await loadModel(model)
    log.info(
      "loaded \(model.identity.name); reading \(kafka.jobsTopic) from \(kafka.brokers) as \(kafka.group)")
    let progress = RunProgress { nil }
    let worker = KafkaWorker(
      kafka, limits: JobLimits(messageBytes: kafka.largestRecord), defaults: parameters
    ) { connection in
      Pipeline(
        source: connection.source, images: images, model: model, sink: connection.sink, store: store,
        settings: settings, observer: progress)
    }
    do {
      _ = try await progress.shown { try await worker.run(until: drain) }
    } catch let failure as KafkaFailure {
      if case .settings(let reason) = failure { throw Failure.unusable(reason) }
      throw Failure.environment("\(failure)")
    }
    StandardError.shared.write(
      progress.text.summary(isComplete: true, doneEarlier: 0, failedEarlier: 0))
  }
}
