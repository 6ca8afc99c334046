import CLlama

/// The learned router's tensors in a sampler file (`router.*`). Matrices are `[in, out]`.
struct RouterWeights {
  let channels: Int
  /// Width of the router's rows.
  let width: Int
  let heads: Int
  /// Shared by the block's mean and maximum and the overview's tokens; absent in some files.
  let norm: LayerNorm?
  /// `[2C, width]`: reads [mean, maximum].
  let query: Linear
  let key, value: Linear
  let output: Linear
  /// `[2C + width, width]`: reads [mean, maximum, context].
  let hidden: Linear
  /// `[width, 3]`: scales 1, 2, 4.
  let logits: Linear
  private let storage: Weights

  init(
    _ file: GGUFFile, channels: Int, width: Int, heads: Int, device: ComputeDevice
  ) throws(ModelError) {
    guard width % heads == 0 else {
      throw .malformed(
        file: file.path, reason: "focus.router.hidden_length \(width) is no multiple of \(heads) heads")
    }
    let loader = WeightLoader(file: file, device: device)
    func linear(_ name: String, _ input: Int, _ output: Int) throws(ModelError) -> Linear {
      Linear(
        weight: try loader.tensor("router.\(name).weight", [input, output], .matrix),
        bias: try loader.optional("router.\(name).bias", [output], .vector))
    }
    norm = try loader.optional("router.norm.weight", [channels], .vector).map { weight throws(ModelError) in
      LayerNorm(weight: weight, bias: try loader.optional("router.norm.bias", [channels], .vector))
    }
    query = try linear("query", 2 * channels, width)
    key = try linear("key", channels, width)
    value = try linear("value", channels, width)
    output = try linear("output", width, width)
    hidden = try linear("hidden", 2 * channels + width, width)
    logits = try linear("logits", width, 3)
    storage = try loader.load()
    self.channels = channels
    self.width = width
    self.heads = heads
  }
}
