import Answering
import ArgumentParser

/// How questions that say nothing else are answered.
struct AnswerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("At most this many tokens in an answer, 1 to 4096. (default: 128)", valueName: "count")
  )
  var maxTokens: Int?

  @Option(
    help: ArgumentHelp(
      "0 takes the most probable token; up to 2 samples more freely. (default: 0)", valueName: "number"))
  var temperature: Double?

  @Option(
    help: ArgumentHelp(
      "Whether images are compressed, for jobs that don't say: auto, or none for every token as the vision "
        + "tower makes it. (default: auto)"))
  var compression: Compression?

  /// The parameters of a question that sets none itself. Throws `Failure` where a value is out of range.
  func parameters() throws -> GenerationParameters {
    var parameters = GenerationParameters()
    if let maxTokens {
      guard (1...4096).contains(maxTokens) else {
        throw Failure.unusable("--max-tokens must be from 1 to 4096, not \(maxTokens)")
      }
      parameters.maxTokens = maxTokens
    }
    if let temperature {
      guard (0...2).contains(temperature) else {
        throw Failure.unusable("--temperature must be from 0 to 2, not \(temperature)")
      }
      parameters.temperature = Float(temperature)
    }
    return parameters
  }
}

extension Compression: ExpressibleByArgument {}
