/// What libllama takes for granted of a vocabulary: where it is not so, it ends the process, or throws a C++
/// exception through Swift.
enum VocabularyCheck {
  static func check(_ file: GGUFFile) throws(ModelError) {
    let kind = try file.require(file.string("tokenizer.ggml.model"), "tokenizer.ggml.model")
    guard ["llama", "gpt2"].contains(kind) else {
      throw .unsupported(file: file.path, reason: "its tokenizer is \(kind); llama and gpt2 are done")
    }
    let texts = try file.require(file.texts("tokenizer.ggml.tokens"), "tokenizer.ggml.tokens")
    var places: [[UInt8]: Int] = [:]
    for (token, text) in texts.enumerated() {
      // As libllama names them.
      let text = text.isEmpty ? Array("[EMPTY_\(token)]".utf8) : text
      if let first = places.updateValue(token, forKey: text) {
        throw .malformed(file: file.path, reason: "its tokens \(first) and \(token) have the same text")
      }
    }
    // Text that no token spells is spelled in bytes.
    guard kind == "llama" else { return }
    for byte in UInt8.min...UInt8.max where places[Self.name(of: byte)] == nil && places[[byte]] == nil {
      throw .malformed(file: file.path, reason: "its tokenizer has no token for the byte \(byte)")
    }
  }

  /// As in `<0x0A>`.
  private static func name(of byte: UInt8) -> [UInt8] {
    let digits = String(byte, radix: 16, uppercase: true)
    return Array("<0x\(byte < 16 ? "0" : "")\(digits)>".utf8)
  }
}
