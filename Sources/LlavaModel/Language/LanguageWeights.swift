import CLlama

/// The tensors of a language model's file. Matrices are `[in, out]`, vectors `[width]`.
struct LanguageWeights {
  struct Layer {
    var attentionNorm: Tensor
    var query, key, value: Tensor
    var queryBias, keyBias, valueBias: Tensor?
    var output: Tensor
    var outputBias: Tensor?
    var feedForwardNorm: Tensor
    var gate, up, down: Tensor
    var gateBias, upBias, downBias: Tensor?
  }

  /// `[D, vocabulary]`.
  var embeddings: Tensor
  var layers: [Layer]
  var outputNorm: Tensor
  /// `[D, vocabulary]`; the embeddings again where the file ties them.
  var output: Tensor
  var outputBias: Tensor?
  /// Llama 3's frequency factors, `[head width / 2]`.
  var ropeFactors: Tensor?

  init(
    _ parameters: LanguageParameters, _ file: GGUFFile, _ loader: WeightLoader
  ) throws(ModelError) {
    let width = parameters.width
    let attention = parameters.heads * parameters.headWidth
    let keyValue = parameters.keyValueWidth
    let inner = parameters.feedForward
    embeddings = try loader.tensor("token_embd.weight", [width, parameters.vocabulary], .table)
    outputNorm = try loader.tensor("output_norm.weight", [width], .vector)
    let outputName = file.tensors["output.weight"] == nil ? "token_embd.weight" : "output.weight"
    output = try loader.tensor(outputName, [width, parameters.vocabulary], .matrix)
    outputBias = try loader.optional("output.bias", [parameters.vocabulary], .vector)
    ropeFactors = try loader.optional("rope_freqs.weight", [parameters.headWidth / 2], .vector)
    layers = []
    for index in 0..<parameters.layers {
      func matrix(_ name: String, _ input: Int, _ output: Int) throws(ModelError) -> Tensor {
        try loader.tensor("blk.\(index).\(name).weight", [input, output], .matrix)
      }
      func norm(_ name: String) throws(ModelError) -> Tensor {
        try loader.tensor("blk.\(index).\(name).weight", [width], .vector)
      }
      func bias(_ name: String, _ size: Int) throws(ModelError) -> Tensor? {
        try loader.optional("blk.\(index).\(name).bias", [size], .vector)
      }
      layers.append(
        Layer(
          attentionNorm: try norm("attn_norm"),
          query: try matrix("attn_q", width, attention),
          key: try matrix("attn_k", width, keyValue),
          value: try matrix("attn_v", width, keyValue),
          queryBias: try bias("attn_q", attention),
          keyBias: try bias("attn_k", keyValue),
          valueBias: try bias("attn_v", keyValue),
          output: try matrix("attn_output", attention, width),
          outputBias: try bias("attn_output", width),
          feedForwardNorm: try norm("ffn_norm"),
          gate: try matrix("ffn_gate", width, inner),
          up: try matrix("ffn_up", width, inner),
          down: try matrix("ffn_down", inner, width),
          gateBias: try bias("ffn_gate", inner),
          upBias: try bias("ffn_up", inner),
          downBias: try bias("ffn_down", width)))
    }
  }
}
