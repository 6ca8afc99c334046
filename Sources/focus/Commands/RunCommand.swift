import Answering
import ArgumentParser
import Logging

/// `focus run`: answers the jobs of a file, or questions about a folder of images.
struct RunCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Answers jobs from a file, or questions about a folder of images.",
    discussion: """
      focus run --model DIR --input jobs.jsonl --output results.jsonl
      focus run --model DIR --images photos --question "Describe the image." --sidecar .txt

      Run again with the same output, it continues where it stopped.
      """)

  @OptionGroup(title: "Jobs and results") var files: FileOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Answers") var answers: AnswerOptions
  @OptionGroup(title: "Images") var images: ImageOptions
  @OptionGroup(title: "Cache") var cache: CacheOptions
  @OptionGroup(title: "Work in flight") var work: PipelineOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    var settings = try work.settings()
    settings.compression = answers.compression ?? settings.compression
    let parameters = try answers.parameters()
    try files.check()
    try checkJobFile(files)
    let images = try makeImageSource(images, folder: files.images, defaultRoot: files.jobFolder)
    let settled = settings
    try await withTokenStore(cache) { store in
      try await run(settled, parameters: parameters, images: images, store: store)
    }
  }

  private func run(
    _ settings: PipelineSettings, parameters: GenerationParameters, images: some ImageSource,
    store: (any TokenStore)?
  ) async throws {
    let drain = Signal()
    let interrupts = Interrupts(beginning: drain, drainTimeout: settings.drainTimeout)
    defer { withExtendedLifetime(interrupts) {} }
    let log = Logger(label: "focus.run")
    // A large model takes a while to read: without a word the terminal would look dead.
    log.info("loading the model")
    let start = ContinuousClock.now
    let model = try await loadModel(model)
    let seconds = ProgressText.length(ContinuousClock.now - start)
    log.info("loaded in \(seconds): \(model.identity.name), prompt \(model.promptName)")
    let jobs = try openJobFiles(
      files, parameters: parameters, model: model.identity, settings: answerSettings)
    if jobs.doneEarlier > 0 {
      let results = ProgressText.count(jobs.doneEarlier, "result")
      log.info("continuing \(files.output ?? "the output"), which holds \(results)")
    }

    let progress = RunProgress {
      jobs.progress().map { $0.of == 0 ? 1 : Double($0.read) / Double($0.of) }
    }
    let pipeline = Pipeline(
      source: jobs.source, images: images, model: model, sink: jobs.sink, store: store, settings: settings,
      observer: progress)
    let ending: Pipeline.Ending
    do {
      ending = try await progress.shown { try await pipeline.run(until: drain) }
    } catch {
      // What was published is kept on the disk; the first error is the one to tell.
      try? await jobs.sink.close()
      throw error
    }
    try await jobs.sink.close()
    StandardError.shared.write(
      progress.text.summary(
        isComplete: !ending.wasInterrupted, doneEarlier: jobs.doneEarlier, failedEarlier: jobs.failedEarlier))
    if ending.wasInterrupted {
      StandardError.shared.write(
        files.overwrite == true
          ? "interrupted: run it again without --overwrite to continue, with it all is done anew"
          : "interrupted: run the same command again to continue")
      throw EarlyEnd(status: .interrupted)
    }
    if ending.counts.hasFailures || jobs.failedEarlier > 0 { throw EarlyEnd(status: .someFailed) }
  }

  /// The settings that change answers, by the name of their flag.
  private var answerSettings: [String: String] {
    var settings = answers.changing(model)
    settings["question"] = files.question.isEmpty ? nil : files.question.joined(separator: "\n")
    return settings
  }
}
