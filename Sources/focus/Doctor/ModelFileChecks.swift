import CLlama
import Foundation

/// The model's files: readable, GGUF, whole, of the right kind, and made for each other.
enum ModelFileChecks {
  /// - Parameter load: loads the files as the other commands would, and tells the name of the prompt in use.
  static func all(_ files: ModelFilePaths, load: @escaping @Sendable () async throws -> String) -> [Check] {
    [
      Check("language model") { language(files.language) },
      Check("vision model") { vision(files.vision) },
      Check("model pair") { pair(files) }, Check("sampler") { sampler(files.sampler) },
      Check("engine") { await engine(load) },
    ]
  }

  private static func language(_ path: String) -> Finding {
    finding(for: path) { file in
      guard let architecture = file.string("general.architecture") else {
        return wrongKind(path, "it names no architecture")
      }
      if architecture == "clip" { return wrongKind(path, "it is a vision file: give it as --vision-model") }
      guard let width = file.number("\(architecture).embedding_length") else {
        return wrongKind(path, "it has no \(architecture).embedding_length")
      }
      let name = file.string("general.name") ?? "unnamed"
      return .fine(
        "\(name), \(architecture), width \(width), \(file.tensorCount) tensors, \(size(file.bytes))")
    }
  }

  private static func vision(_ path: String) -> Finding {
    finding(for: path) { file in
      guard file.string("general.architecture") == "clip" else {
        return wrongKind(path, "its architecture is not clip; give llava's mmproj file")
      }
      guard let imageSize = file.number("clip.vision.image_size") else {
        return wrongKind(path, "it has no clip.vision.image_size")
      }
      let projector = file.string("clip.projector_type") ?? "mlp"
      return .fine(
        "\(projector) projector, \(imageSize)-pixel tiles, \(file.tensorCount) tensors, \(size(file.bytes))")
    }
  }

  private static func sampler(_ path: String?) -> Finding {
    guard let path else { return .fine("no file: images are compressed by density, without trained weights") }
    return finding(for: path) { file in
      guard file.string("general.architecture") == "focus" else {
        return .failure(
          "\(path): its architecture is not focus",
          todo: "check --sampler, or the sampler.gguf beside the model")
      }
      return .fine("\(path), \(file.tensorCount) tensors, \(size(file.bytes))")
    }
  }

  private static func pair(_ files: ModelFilePaths) -> Finding {
    guard let language = try? GGUFSummary(path: files.language),
      let vision = try? GGUFSummary(path: files.vision),
      let architecture = language.string("general.architecture"),
      let width = language.number("\(architecture).embedding_length")
    else { return .failure("cannot be compared", todo: "repair the files above first") }
    guard let projected = vision.rows(of: "mm.2.weight") ?? vision.rows(of: "mm.0.weight") else {
      return .failure(
        "the vision file has no projector (mm.0.weight)",
        todo: "use the mmproj file that llava's export wrote")
    }
    guard projected == width else {
      return .failure(
        "the projector makes rows of \(projected), the language model takes \(width)",
        todo: "use the language and vision files of one model")
    }
    return .fine("both have width \(width)")
  }

  /// The files may be sound, and of a model that is not done here: loading them tells.
  private static func engine(_ load: () async throws -> String) async -> Finding {
    let start = ContinuousClock.now
    do {
      let prompt = try await load()
      return .fine("loads the model in \(ProgressText.length(ContinuousClock.now - start)), prompt \(prompt)")
    } catch {
      return .failure(
        "\(error)",
        todo: "repair what failed above; where nothing did, README.md says which models can be used")
    }
  }

  private static func finding(for path: String, _ look: (GGUFSummary) -> Finding) -> Finding {
    do {
      return look(try GGUFSummary(path: path))
    } catch {
      return .failure(error.message, todo: error.todo)
    }
  }

  private static func wrongKind(_ path: String, _ why: String) -> Finding {
    .failure("\(path): \(why)", todo: "check --model, --language-model and --vision-model")
  }

  private static func size(_ bytes: UInt64) -> String {
    Int64(clamping: bytes).formatted(.byteCount(style: .file))
  }
}
