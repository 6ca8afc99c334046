import Answering
import ArgumentParser
import Crypto
import Evaluation
import FileJobs
import Foundation
import LlavaModel
import Logging

/// `focus evaluate`: accuracy, tokens and time of a model with several settings.
struct EvaluateCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures accuracy, tokens and time with several settings.",
    discussion: """
      focus evaluate --model DIR --dataset questions.jsonl --output evaluation
      focus evaluate --model DIR --dataset questions.jsonl --setting "router=none selection=none" \
      --setting "router=learned|density|uniform budget=0.2|0.4 selection=prune ratio=0.5"

      Each --setting gives values for router (none, learned, density, uniform), budget, selection (none, prune, shared, \
      auto), ratio, layer and importance (question, last-token, random); a|b tries both, with all the others. Without \
      any, the model is compared with itself without compression and selection. Differences are against the first, or \
      with --against another model's answers.

      Run again with the same output, it goes on where it stopped.
      """)

  @OptionGroup(title: "Questions and references") var dataset: DatasetOptions

  @Option(
    help: ArgumentHelp(
      "Values to try, as in “router=learned|density budget=0.2|0.4”. Repeatable.", valueName: "values"))
  var setting: [String] = []

  @Option(
    help: ArgumentHelp(
      "Directory for the table, the figures as JSON, plots as SVG, and every answer.", valueName: "directory")
  )
  var output: String?

  @Option(
    help: ArgumentHelp(
      "File answers-….json in an earlier --output, of the same questions: differences are against its answers.",
      valueName: "file"))
  var against: String?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Answers") var answers: AnswerOptions
  @OptionGroup(title: "Images") var images: ImageOptions
  @OptionGroup(title: "Work in flight") var work: PipelineOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    let log = Logger(label: "focus.evaluate")
    var pipeline = try work.settings()
    pipeline.compression = answers.compression ?? pipeline.compression
    let settings = try settings()
    let dataset = try readDataset()
    let metric = self.dataset.metric(for: dataset)
    let folder = try output.map(makeFolder)
    let pass = EvaluationPass(
      dataset: dataset, images: try makeImageSource(images, defaultRoot: self.dataset.folder),
      pipeline: pipeline)
    let drain = Signal()
    let interrupts = Interrupts(beginning: drain, drainTimeout: pipeline.drainTimeout)
    defer { withExtendedLifetime(interrupts) {} }
    let questions = digest(of: dataset)

    var outcomes: [Outcome] = []
    var first = try against.map { try earlierAnswers($0, to: dataset).scored(metric) }
    // The model's files are the same for all; what it keeps of earlier questions would make a setting faster, so each
    // that is computed has a model of its own. One at a time: memory may hold no second.
    var loaded: LlavaModel?
    let identity: ModelIdentity
    do {
      let first = try await loadModel(model, changing: settings[0].apply)
      (loaded, identity) = (first, first.identity)
    }
    for (index, setting) in settings.enumerated() {
      log.info("setting \(index + 1) of \(settings.count): \(setting.name)")
      let basis = SettingAnswers.Basis(setting: setting.name, model: identity, questions: questions)
      let answers: SettingAnswers
      if let kept = SettingAnswers.read(basis, in: folder) {
        log.info("its answers are there already")
        answers = kept
      } else {
        if index > 0 { loaded = nil }
        let model = if let loaded { loaded } else { try await loadModel(model, changing: setting.apply) }
        loaded = nil
        answers = try await interruptible(folder) {
          try await pass.answers(setting, model, basis: basis, until: drain)
        }
        if let folder { try writing(folder) { try answers.write(to: folder, metric) } }
      }
      let scored = answers.scored(metric)
      guard
        let outcome = Outcome(
          setting: setting.name,
          values: Dictionary(uniqueKeysWithValues: setting.values.map { ($0.key.rawValue, $0.value) }),
          scored: scored, first: first, seconds: answers.seconds, scaleShares: answers.scaleShares)
      else { continue }
      first = first ?? scored
      outcomes.append(outcome)
    }
    let report = EvaluationReport(
      model: identity.name, dataset: try self.dataset.file(), metric: metric, outcomes: outcomes)
    if let folder { try writing(folder) { try report.write(to: folder) } }
    print(report.table)
    if let failed = outcomes.first(where: { $0.failed > 0 }) {
      StandardError.shared.write(
        "\(failed.failed) of \(failed.questions) questions failed and count as wrong (\(failed.setting))")
      throw EarlyEnd(status: .someFailed)
    }
  }

  /// Each setting once.
  private func settings() throws -> [EvaluationSetting] {
    var settings: [EvaluationSetting] = []
    for text in setting.isEmpty ? EvaluationSetting.usual : setting {
      for setting in try EvaluationSetting.all(of: text) where !settings.contains(setting) {
        settings.append(setting)
      }
    }
    return settings
  }

  private func readDataset() throws -> Dataset {
    let file = try dataset.file()
    do {
      return try Dataset(
        file, format: dataset.datasetFormat, annotations: dataset.annotations,
        imageTemplate: dataset.imageTemplate, suffix: dataset.suffix, defaults: try answers.parameters())
    } catch let error as FileJobsError {
      throw Failure.unusable(error.description)
    }
  }

  private func earlierAnswers(_ path: String, to dataset: Dataset) throws -> SettingAnswers {
    let answers: SettingAnswers
    do {
      answers = try JSONDecoder().decode(
        SettingAnswers.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw Failure.unusable(
        "--against \(path) is no file of answers that focus evaluate wrote: \(error.localizedDescription)")
    }
    guard answers.answer(dataset) else {
      throw Failure.unusable(
        "--against \(path) answers other questions than --dataset asks: evaluate both models on one dataset")
    }
    return answers
  }

  private func makeFolder(_ path: String) throws -> URL {
    let folder = URL(fileURLWithPath: path, isDirectory: true)
    try writing(folder) {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    return folder
  }

  private func writing(_ folder: URL, _ work: () throws -> Void) throws {
    do {
      try work()
    } catch {
      throw Failure.environment("cannot write to --output \(folder.path): \(error.localizedDescription)")
    }
  }

  private func interruptible<Value>(
    _ folder: URL?, _ work: () async throws -> Value
  ) async throws -> Value {
    do {
      return try await work()
    } catch let end as EarlyEnd where end.status == .interrupted {
      StandardError.shared.write(
        folder == nil
          ? "interrupted: nothing is kept without --output"
          : "interrupted: run the same command again to continue with this setting")
      throw end
    }
  }

  /// Of all that changes answers, beside the model's files and the setting.
  private func digest(of dataset: Dataset) -> String {
    var hash = SHA256()
    for (name, value) in answers.changing(model).sorted(by: { $0.key < $1.key }) {
      hash.update(data: Data("\(name)=\(value)\n".utf8))
    }
    for job in dataset.jobs {
      switch job.image {
      case .uri(let uri): hash.update(data: Data("\(uri)\n".utf8))
      case .data(let data): hash.update(data: data)
      }
      hash.update(data: Data("\(job.compression?.rawValue ?? "") \(job.questions)\n".utf8))
    }
    for item in dataset.items { hash.update(data: Data("\(item)\n".utf8)) }
    return hash.finalize().map { String(format: "%02x", $0) }.joined()
  }
}
