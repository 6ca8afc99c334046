import Answering
import LlavaModel

/// Loads the model that the options name. Throws `Failure` where it cannot be used.
///
/// - Parameter change: settings beyond the options'.
func loadModel(
  _ options: ModelOptions, changing change: (inout EngineSettings) -> Void = { _ in }
) async throws -> LlavaModel {
  let paths = try options.files()
  var files = ModelFiles(language: paths.language, vision: paths.vision, sampler: paths.sampler)
  for (part, path) in paths.parts {
    for pin in options.modelSha256 where pin.part == part { files.pinned[path] = pin.sha256 }
  }
  var settings = EngineSettings()
  settings.device = DeviceChoice(rawValue: options.device.rawValue) ?? .auto
  settings.threads = options.threads
  settings.visionType = VisionType(rawValue: options.visionType.rawValue) ?? .auto
  settings.tokenType = options.tokenType ?? settings.tokenType
  settings.visualBudget = options.visualBudget
  settings.prompt = try options.template()
  settings.contextCells = options.contextCells
  settings.stepRows = options.stepRows
  settings.repacks = options.repack ?? settings.repacks
  settings.selectionLayer = options.selectionLayer
  settings.selectionAmount = options.selectionShare.map { .cumulative($0) }
  settings.importanceHeads = options.importanceHeads.flatMap { HeadReduction(rawValue: $0.rawValue) }
  change(&settings)
  do {
    return try await LlavaModel.load(files, settings: settings)
  } catch {
    throw Failure.environment("\(error)")
  }
}

extension ModelOptions {
  /// nil for the prompt that fits the model file.
  fileprivate func template() throws -> PromptTemplate? {
    if let promptTemplate {
      do {
        return try PromptTemplate(pattern: promptTemplate)
      } catch {
        throw Failure.unusable("--prompt-template: \(error)")
      }
    }
    guard let prompt else { return nil }
    guard let template = PromptTemplate.named(prompt) else {
      let names = PromptTemplate.named.map(\.name).joined(separator: ", ")
      throw Failure.unusable("--prompt \(prompt): no such prompt; there are \(names)")
    }
    return template
  }
}
