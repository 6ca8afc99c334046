import Answering
import ArgumentParser
import Foundation

/// Which model answers, and on what.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Directory with language.gguf, vision.gguf and, where there is one, sampler.gguf.",
      valueName: "directory"))
  var model: String?

  @Option(
    help: ArgumentHelp("GGUF file of the language model, in place of the directory's.", valueName: "file"))
  var languageModel: String?

  @Option(
    help: ArgumentHelp(
      "GGUF file of the vision tower and projector (mmproj), in place of the directory's.", valueName: "file")
  )
  var visionModel: String?

  @Option(
    help: ArgumentHelp("GGUF file of the samplers, in place of the directory's.", valueName: "file"))
  var sampler: String?

  @Option(
    help: ArgumentHelp(
      "Refuse a model file whose SHA-256 is another: language=HEX, vision=HEX or sampler=HEX. Repeatable.",
      valueName: "part=hex"))
  var modelSha256: [ModelFilePin] = []

  @Option(help: "Where the model runs.")
  var device = Device.auto

  @Option(help: ArgumentHelp("Threads for the model. (default: one for each core)", valueName: "count"))
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "Key/value cells, one for each row of every image group in flight. (default: what fits)",
      valueName: "count"))
  var contextCells: Int?

  @Option(help: ArgumentHelp("Rows the model computes together, at most.", valueName: "count"))
  var stepRows = 1024

  @Flag(
    inversion: .prefixedNo, exclusivity: .chooseLast,
    help:
      "Keep Q4_K weights repacked (faster for up to sixteen answers at a time), or mapped. (default: repacked)"
  )
  var repack: Bool?

  @Option(help: "Type of the vision weights: auto (the fastest here) or file (as stored).")
  var visionType = VisionWeights.auto

  @Option(help: "Element type that images' tokens are kept in. (default: f16)")
  var tokenType: TokenType?

  @Option(
    help: ArgumentHelp(
      "Share of an image's tokens to keep, above 0 and at most 1. (default: the sampler file's, else 0.39)",
      valueName: "share"))
  var visualBudget: Double?

  @Option(
    help: ArgumentHelp(
      "Layer whose attention decides what a question keeps. (default: the sampler file's, else a quarter of the "
        + "model's layers)", valueName: "layer"))
  var selectionLayer: Int?

  @Option(
    help: ArgumentHelp(
      "Keep the fewest tokens that hold this share of the importance, in place of a fixed ratio; a question's own "
        + "selection_ratio wins.", valueName: "share"))
  var selectionShare: Double?

  @Option(
    help: ArgumentHelp(
      "How a token's importance comes from the attention heads: mean or max. (default: the sampler file's, else mean)",
      valueName: "reduction"))
  var importanceHeads: ImportanceHeads?

  @Option(
    help: ArgumentHelp(
      "Named prompt: llava-1.5, llava-1.6-vicuna, llava-1.6-mistral, llava-onevision or chatml. "
        + "(default: the model file's own)", valueName: "name"))
  var prompt: String?

  @Option(
    help: ArgumentHelp(
      "Prompt text with {image}, {question} and, if wanted, {system}.", valueName: "text"))
  var promptTemplate: String?

  /// Says which files are meant; throws where a part is named by neither option.
  func files() throws -> ModelFilePaths {
    if let model, model.hasSuffix(".gguf") {
      throw Failure.unusable(
        "--model \(model) is a file: give the directory of language.gguf and vision.gguf, or each file with "
          + "--language-model and --vision-model")
    }
    func path(_ option: String?, _ flag: String, _ file: String) throws -> String {
      if let option { return option }
      guard let model else { throw Failure.unusable("no model given: add --model DIRECTORY or \(flag) FILE") }
      return model.hasSuffix("/") ? model + file : "\(model)/\(file)"
    }
    if prompt != nil, promptTemplate != nil {
      throw Failure.unusable("--prompt and --prompt-template exclude each other: give one")
    }
    if let threads, threads < 1 { throw Failure.unusable("--threads must be at least 1, not \(threads)") }
    if let contextCells, contextCells < 1 {
      throw Failure.unusable("--context-cells must be at least 1, not \(contextCells)")
    }
    if let selectionShare, !(selectionShare > 0 && selectionShare <= 1) {
      throw Failure.unusable("--selection-share must be above 0 and at most 1, not \(selectionShare)")
    }
    if stepRows < 1 { throw Failure.unusable("--step-rows must be at least 1, not \(stepRows)") }
    if let visualBudget, !(visualBudget > 0 && visualBudget <= 1) {
      throw Failure.unusable("--visual-budget must be above 0 and at most 1, not \(visualBudget)")
    }
    return ModelFilePaths(
      language: try path(languageModel, "--language-model", "language.gguf"),
      vision: try path(visionModel, "--vision-model", "vision.gguf"), sampler: try samplerPath())
  }

  /// The file that is named, or the one that lies beside the others. A pinned one must be there.
  private func samplerPath() throws -> String? {
    if let sampler { return sampler }
    if let model {
      let path = model.hasSuffix("/") ? model + "sampler.gguf" : "\(model)/sampler.gguf"
      if FileManager.default.fileExists(atPath: path) { return path }
    }
    if modelSha256.contains(where: { $0.part == .sampler }) {
      throw Failure.unusable("--model-sha256 pins a sampler, but there is none: add --sampler FILE")
    }
    return nil
  }
}

extension TokenType: ExpressibleByArgument {}

enum Device: String, CaseIterable, ExpressibleByArgument, Sendable {
  case auto
  case cpu
  case gpu
}

enum ImportanceHeads: String, CaseIterable, ExpressibleByArgument, Sendable {
  case mean
  case max
}

enum VisionWeights: String, CaseIterable, ExpressibleByArgument, Sendable {
  case auto
  case file
}
