/// Why a model cannot be used. Each names the file and what to do; none is helped by a retry.
public enum ModelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file is absent, cut short or no GGUF.
  case unreadable(file: String, reason: String)
  /// A key or tensor is missing or has the wrong type or shape.
  case malformed(file: String, reason: String)
  /// The file is sound but asks for something this engine does not do.
  case unsupported(file: String, reason: String)
  /// `--model-sha256` names another digest.
  case digestMismatch(file: String, expected: String, found: String)
  /// A setting does not fit the model.
  case setting(String)
  /// The device failed or has too little memory.
  case device(String)

  public var description: String {
    switch self {
    case .unreadable(let file, let reason):
      "cannot read the model file \(file): \(reason). Check the path, or fetch the file again."
    case .malformed(let file, let reason):
      "the model file \(file) is damaged or was not written for LLaVA: \(reason). Convert or fetch it again."
    case .unsupported(let file, let reason):
      "the model file \(file) cannot be used: \(reason)."
    case .digestMismatch(let file, let expected, let found):
      "the model file \(file) has SHA-256 \(found), not \(expected): it is another file or was changed."
    case .setting(let reason):
      "a setting does not fit the model: \(reason)."
    case .device(let reason):
      "the compute device failed: \(reason)."
    }
  }
}
