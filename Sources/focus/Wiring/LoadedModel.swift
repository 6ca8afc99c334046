import Answering
import LlavaModel

/// Loads the model that the options name. Throws `Failure` where it cannot be used.
func loadModel(_ options: ModelOptions) async throws -> LlavaModel {
  let paths = try options.files()
  var settings = EngineSettings()
  settings.device = DeviceChoice(rawValue: options.device.rawValue) ?? .auto
  settings.threads = options.threads
  settings.visionType = VisionType(rawValue: options.visionType.rawValue) ?? .auto
  settings.contextCells = options.contextCells
  settings.stepRows = options.stepRows
  settings.prompt = try prompt(options)
  let pins = options.modelSha256.map { pin in
    (pin.part == .language ? paths.language : paths.vision, pin.sha256)
  }
  let files = ModelFiles(
    language: paths.language, vision: paths.vision, pinned: Dictionary(pins) { $1 })
  do {
    return try await LlavaModel.load(files, settings: settings)
  } catch let error as ModelError {
    throw Failure.environment("\(error)")
  }
}

private func prompt(_ options: ModelOptions) throws -> PromptTemplate? {
  if let text = options.promptTemplate {
    do {
      return try PromptTemplate(pattern: text)
    } catch {
      throw Failure.unusable("--prompt-template: \(error)")
    }
  }
  return try options.prompt.map { name in
    guard let template = PromptTemplate.named(name) else {
      let known = PromptTemplate.named.map(\.name).joined(separator: ", ")
      throw Failure.unusable("--prompt \(name) is not known: give one of \(known)")
    }
    return template
  }
}
