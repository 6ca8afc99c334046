import CLlama

/// What a language model's file says of its shape (keys `llama.*` or `qwen2.*`).
struct LanguageParameters {
  enum Architecture: String {
    case llama
    case qwen2
  }

  var architecture: Architecture
  var contextLength: Int
  /// Width D of a row.
  var width: Int
  var layers: Int
  var feedForward: Int
  var heads: Int
  /// Key/value heads; fewer than `heads` with grouped-query attention.
  var keyValueHeads: Int
  var headWidth: Int
  var epsilon: Float
  var vocabulary: Int
  var rope: RopeSettings

  /// Width of one layer's key (or value) of a row.
  var keyValueWidth: Int { keyValueHeads * headWidth }

  init(_ file: GGUFFile) throws(ModelError) {
    let name = try file.require(file.string("general.architecture"), "general.architecture")
    guard let architecture = Architecture(rawValue: name) else {
      throw .unsupported(
        file: file.path, reason: "its architecture is \(name); llama and qwen2 are done")
    }
    self.architecture = architecture
    func int(_ key: String, _ range: ClosedRange<Int>, default value: Int? = nil) throws(ModelError) -> Int {
      let key = "\(name).\(key)"
      let found = try file.require(file.int(key) ?? value, key)
      guard range.contains(found) else {
        throw .malformed(file: file.path, reason: "\(key) is \(found), outside \(range)")
      }
      return found
    }
    contextLength = try int("context_length", 1...16_777_216)
    width = try int("embedding_length", 1...65536)
    // What a graph has nodes for.
    layers = try int("block_count", 1...256)
    feedForward = try int("feed_forward_length", 1...1_048_576)
    heads = try int("attention.head_count", 1...1024)
    keyValueHeads = try int("attention.head_count_kv", 1...heads, default: heads)
    headWidth = try int("attention.key_length", 1...1024, default: width / heads)
    guard heads % keyValueHeads == 0, headWidth % 2 == 0 else {
      throw .malformed(
        file: file.path,
        reason: "\(heads) heads of width \(headWidth) do not share \(keyValueHeads) key heads")
    }
    if let experts = file.int("\(name).expert_count"), experts > 0 {
      throw .unsupported(file: file.path, reason: "it is a mixture of experts; only dense models are done")
    }
    epsilon = try file.epsilon("\(name).attention.layer_norm_rms_epsilon")
    guard let embeddings = file.tensors["token_embd.weight"], embeddings.shape.count == 2 else {
      throw .malformed(file: file.path, reason: "the tensor token_embd.weight is missing")
    }
    vocabulary = embeddings.shape[1]
    rope = try RopeSettings(file, name, headWidth: headWidth, contextLength: contextLength)
    if architecture == .qwen2 { rope.mode = GGML_ROPE_TYPE_NEOX }
  }
}
