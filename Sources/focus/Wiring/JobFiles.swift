import Answering
import FileJobs

/// Jobs and results as files.
struct JobFiles {
  var source: any JobSource
  var sink: any ResultSink
  /// How much of the input has been read, from 0 to 1; nil where its length is not known.
  var share: @Sendable () -> Double?
  /// Puts what was published on the disk; also after an interrupted run.
  var close: @Sendable () async throws -> Void
}

/// Opens what the options name. Throws `Failure` where a file cannot be read, written or continued.
///
/// - Parameters:
///   - parameters: for questions that set none themselves.
///   - settings: those that change answers, by the name of their flag; an output is never continued with others.
func openJobFiles(
  _ options: FileOptions, parameters: GenerationParameters, model: ModelIdentity, settings: [String: String]
) throws -> JobFiles {
  throw Failure.environment("this build reads no job files")
}
