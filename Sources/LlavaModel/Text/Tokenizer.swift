import CLlama

/// The model file's vocabulary through libllama: text to tokens and back.
///
/// Not thread-safe: used from the engine's thread only.
final class Tokenizer {
  /// Valid as long as the tokenizer.
  let vocabulary: OpaquePointer
  private let model: OpaquePointer
  /// Texts of tokens that steer the model (`</s>`, `<|im_end|>`), longest first.
  let controlTokens: [(text: String, token: Int32)]
  /// Tokens that end an answer.
  let ends: [Int32]
  /// Texts of the tokens that an answer can hold, for grammars. Made when the first grammar is followed.
  private(set) lazy var texts = TokenTexts(
    (0..<llama_vocab_n_tokens(vocabulary)).filter { !isEnd($0) }, bytes: bytes(of:))
  /// The chat template stored in the file.
  let chatTemplate: String?

  init(_ file: GGUFFile) throws(ModelError) {
    try VocabularyCheck.check(file)
    let path = file.path
    ComputeDevice.loadBackends
    var parameters = llama_model_default_params()
    parameters.vocab_only = true
    guard let model = llama_model_load_from_file(path, parameters) else {
      throw .malformed(file: path, reason: "libllama cannot read its tokenizer")
    }
    guard let vocabulary = llama_model_get_vocab(model), llama_vocab_n_tokens(vocabulary) > 0 else {
      llama_model_free(model)
      throw .malformed(file: path, reason: "it has no vocabulary")
    }
    guard
      !llama_vocab_get_add_bos(vocabulary)
        || (0..<llama_vocab_n_tokens(vocabulary)).contains(llama_vocab_bos(vocabulary))
    else {
      llama_model_free(model)
      throw .malformed(file: path, reason: "its prompts begin with a token that it does not name")
    }
    self.model = model
    self.vocabulary = vocabulary
    var control: [(text: String, token: Int32)] = []
    for token in 0..<llama_vocab_n_tokens(vocabulary) where llama_vocab_is_control(vocabulary, token) {
      guard let text = llama_vocab_get_text(vocabulary, token) else { continue }
      control.append((String(cString: text), token))
    }
    controlTokens = control.filter { !$0.text.isEmpty }.sorted { $0.text.utf8.count > $1.text.utf8.count }
    ends = (0..<llama_vocab_n_tokens(vocabulary)).filter { llama_vocab_is_eog(vocabulary, $0) }
    chatTemplate = llama_model_chat_template(model, nil).map { String(cString: $0) }
  }

  deinit { llama_model_free(model) }

  var tokenCount: Int { Int(llama_vocab_n_tokens(vocabulary)) }

  /// The token that begins every prompt; nil where the model wants none.
  var beginning: Int32? {
    llama_vocab_get_add_bos(vocabulary) ? llama_vocab_bos(vocabulary) : nil
  }

  /// Whether fragments are marked with a leading space (SentencePiece).
  var marksFragments: Bool { llama_vocab_type(vocabulary) == LLAMA_VOCAB_TYPE_SPM }

  func isEnd(_ token: Int32) -> Bool { llama_vocab_is_eog(vocabulary, token) }

  /// Tokens of `text`, every character of it literal: no control token comes out, whatever it says.
  func tokens(of text: String) -> [Int32] {
    var text = text
    return text.withUTF8 { bytes in
      guard let start = bytes.baseAddress, !bytes.isEmpty else { return [] }
      return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { characters in
        let length = Int32(bytes.count)
        let needed = -llama_tokenize(vocabulary, characters, length, nil, 0, false, false)
        guard needed > 0 else { return [] }
        return [Int32](unsafeUninitializedCapacity: Int(needed)) { buffer, count in
          count = Int(
            max(0, llama_tokenize(vocabulary, characters, length, buffer.baseAddress, needed, false, false)))
        }
      }
    }
  }

  /// The one token that `text` is, with control tokens recognised; nil where it is none, or several.
  func token(named text: String) -> Int32? {
    var tokens: [Int32] = [0, 0]
    let length = Int32(text.utf8.count)
    return llama_tokenize(vocabulary, text, length, &tokens, 2, false, true) == 1 ? tokens[0] : nil
  }

  /// The bytes that `token` adds to an answer; none for control tokens.
  func bytes(of token: Int32) -> [UInt8] {
    var buffer = [CChar](repeating: 0, count: 64)
    var length = llama_token_to_piece(vocabulary, token, &buffer, Int32(buffer.count), 0, false)
    if length < 0 {
      buffer = [CChar](repeating: 0, count: Int(-length))
      length = llama_token_to_piece(vocabulary, token, &buffer, Int32(buffer.count), 0, false)
    }
    return buffer.prefix(Int(max(0, length))).map { UInt8(bitPattern: $0) }
  }
}
