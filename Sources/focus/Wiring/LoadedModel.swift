import Answering
import LlavaModel

/// Loads the model that the options name. Throws `Failure` where it cannot be used.
func loadModel(_ options: ModelOptions) async throws -> any VisionLanguageModel {
  let files = try options.files()
  throw Failure.environment("\(files.language): this build holds no model engine")
}
