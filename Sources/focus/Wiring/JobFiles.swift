import Answering
import FileJobs

/// Finds an input that cannot hold jobs. Throws `Failure`.
func checkJobFile(_ options: FileOptions) throws {
  guard let input = options.input, input != FileRun.stream else { return }
  do {
    try FileRun.check(input: input)
  } catch {
    throw failure(error)
  }
}

/// Opens what the options name. Throws `Failure` where a file cannot be read, written or continued.
///
/// - Parameters:
///   - parameters: for questions that set none themselves.
///   - settings: those that change answers, by the name of their flag; an output is never continued with others.
func openJobFiles(
  _ options: FileOptions, parameters: GenerationParameters, model: ModelIdentity, settings: [String: String]
) throws -> FileRun {
  do {
    if let folder = options.images {
      let questions = options.question.enumerated().map { index, text in
        Question(id: String(index + 1), text: text, parameters: parameters)
      }
      let images = ImageFolder(
        path: folder, questions: questions,
        sidecarExtension: options.sidecar.map { String($0.trimmingPrefix(".")) })
      return try FileRun(
        images: images, output: options.output, model: model, settings: settings,
        overwrite: options.overwrite ?? false)
    }
    return try FileRun(
      input: options.input ?? FileRun.stream, output: options.output ?? FileRun.stream,
      format: options.format.flatMap { FileFormat(rawValue: $0.rawValue) }, model: model, settings: settings,
      defaults: parameters, imageTemplate: options.imageTemplate, overwrite: options.overwrite ?? false)
  } catch {
    throw failure(error)
  }
}

private func failure(_ error: FileJobsError) -> Failure {
  error.isUsersToMend ? Failure.unusable(error.description) : Failure.environment(error.description)
}

extension FileJobsError {
  /// Whether other arguments would help, rather than another machine.
  fileprivate var isUsersToMend: Bool {
    switch self {
    case .cannotRead, .cannotWrite, .inUse, .interrupted: false
    default: true
    }
  }
}
