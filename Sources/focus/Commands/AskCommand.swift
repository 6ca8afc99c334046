import Answering
import ArgumentParser

/// `focus ask`: questions about one image, answered on the terminal.
struct AskCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "ask", abstract: "Answers questions about one image on the terminal.")

  @Argument(help: ArgumentHelp("Image file, or a URL of a host that --allow-host names.", valueName: "image"))
  var image: String

  @Argument(help: ArgumentHelp("What to ask.", valueName: "question"))
  var questions: [String]

  @Flag(
    inversion: .prefixedNo, exclusivity: .chooseLast,
    help: "Print nothing but the answers, one a line.")
  var answerOnly: Bool?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Answers") var answers: AnswerOptions
  @OptionGroup(title: "Images") var images: ImageOptions
  @OptionGroup(title: "Cache") var cache: CacheOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    // The terminal shows refusals itself; their log lines would say them twice.
    LogLines.start(shared, level: max(shared.logLevel, .error))
    let job = Job(
      id: image, image: try imageReference(named: image), questions: try asked(with: answers.parameters()))
    let imageSource = try makeImageSource(images)
    let settings = PipelineSettings(compression: answers.compression ?? .auto)
    try await withTokenStore(cache) { store in
      let model = try await loadModel(model)
      let pipeline = Pipeline(
        source: JobList([job]), images: imageSource, model: model,
        sink: TerminalSink(answerOnly: answerOnly ?? false), store: store, settings: settings)
      let ending = try await pipeline.run()
      if ending.counts.hasFailures { throw EarlyEnd(status: .someFailed) }
    }
  }

  private func asked(with parameters: GenerationParameters) throws -> [Question] {
    if questions.count > 256 { throw Failure.unusable("\(questions.count) questions at once: at most 256") }
    return try questions.enumerated().map { index, text in
      try checkLength(ofQuestion: text, number: index + 1)
      return Question(id: String(index + 1), text: text, parameters: parameters)
    }
  }
}
