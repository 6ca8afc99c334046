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
      "How each question selects among the image's tokens: prune, shared, none, or auto, which is prune for a job "
        + "with one question and shared for more. (default: auto)", valueName: "mode"))
  var selection: SelectionMode?

  @Option(
    help: ArgumentHelp(
      "Share of the image's tokens that a question keeps, above 0 to 1. (default: the sampler file's, else 0.5)",
      valueName: "share"))
  var selectionRatio: Double?

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
    if let selectionRatio {
      guard selectionRatio > 0, selectionRatio <= 1 else {
        throw Failure.unusable("--selection-ratio must be above 0 and at most 1, not \(selectionRatio)")
      }
      parameters.selectionRatio = selectionRatio
    }
    parameters.selection = selection
    return parameters
  }

  /// What changes answers, of these options and the model's, by the name of its flag.
  func changing(_ model: ModelOptions) -> [String: String] {
    let settings: [String: String?] = [
      "prompt": model.prompt, "prompt-template": model.promptTemplate,
      "vision-type": model.visionType.rawValue, "token-type": model.tokenType?.rawValue,
      "visual-budget": model.visualBudget.map { "\($0)" }, "compression": compression?.rawValue,
      "max-tokens": maxTokens.map(String.init), "temperature": temperature.map { "\($0)" },
      "selection": selection?.rawValue, "selection-ratio": selectionRatio.map { "\($0)" },
      "selection-layer": model.selectionLayer.map(String.init),
      "selection-share": model.selectionShare.map { "\($0)" },
      "importance-heads": model.importanceHeads?.rawValue,
    ]
    return settings.compactMapValues { $0 }
  }
}

extension SelectionMode: ExpressibleByArgument {}
extension Compression: ExpressibleByArgument {}
