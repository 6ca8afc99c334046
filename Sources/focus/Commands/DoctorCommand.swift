import Answering
import ArgumentParser
import CLlama

/// `focus doctor`: looks at everything the program needs, and says what to do about each failure.
struct DoctorCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Checks libraries, model files, the cache and Kafka, and says what to do about each failure.")

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Cache") var cache: CacheOptions
  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    // ggml tells about a bad file at length; the findings say it in a line.
    ggml_log_set({ _, _, _ in }, nil)
    print("focus \(Focus.version)")
    var hasFailed = false
    for check in try checks() {
      let finding = await check.look()
      print(redactingCredentials(in: finding.text(of: check.name)))
      if finding.isFailure { hasFailed = true }
    }
    if hasFailed { throw EarlyEnd(status: .environmentFailed) }
  }

  /// In the order shown.
  private func checks() throws -> [Check] {
    LibraryChecks.all(device: model.device) + CacheChecks.all(try cache.location().0)
      + (try BrokerChecks.all(kafka)) + (try modelChecks())
  }

  private func modelChecks() throws -> [Check] {
    if model.model == nil, model.languageModel == nil, model.visionModel == nil {
      return [Check("model") { .advice("not looked at", todo: "add --model DIRECTORY to check its files") }]
    }
    let options = model
    return ModelFileChecks.all(try model.files()) { try await loadModel(options).promptName }
  }
}
