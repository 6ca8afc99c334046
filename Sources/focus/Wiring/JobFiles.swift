import Answering
import FileJobs

/// Jobs and results as files.
struct JobFiles {
  var source: any JobSource
  var sink: any ResultSink
  /// Jobs still to answer; nil for a stream.
  var total: Int?
}

/// Opens what the options name. Throws `Failure` where a file cannot be read, written or continued.
///
/// - Parameter parameters: for questions that set none themselves.
func openJobFiles(
  _ options: FileOptions, parameters: GenerationParameters, model: ModelIdentity
) async throws -> JobFiles {
  throw Failure.environment("this build reads no job files")
}
