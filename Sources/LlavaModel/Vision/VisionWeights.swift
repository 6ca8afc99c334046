import CLlama

/// The tensors of a vision file. Matrices are `[in, out]`, vectors `[width]`.
struct VisionWeights {
  struct Block {
    var norm1, norm2: LayerNorm
    var query, key, value, output: Linear
    var up, down: Linear
  }

  /// `[3 · patch², C]`: a patch's pixels, channel by channel, to one row.
  var patches: Linear
  /// `[C]`; SigLIP has none.
  var classToken: Tensor?
  /// `[C, patches + 1]`, the class token's first; `[C, patches]` without one.
  var positions: Tensor
  var preNorm: LayerNorm?
  var blocks: [Block]
  var postNorm: LayerNorm?
  /// The projector: C → D, GELU, D → D.
  var projector: (first: Linear, second: Linear)
  /// `[D]`, ends each row of the feature map; LLaVA-1.5 has none.
  var newline: Tensor?
  /// Width D of the language model that the projector was trained for.
  var languageWidth: Int

  init(_ parameters: VisionParameters, _ file: GGUFFile, _ loader: WeightLoader) throws(ModelError) {
    let width = parameters.width
    func linear(_ name: String, _ input: Int, _ output: Int) throws(ModelError) -> Linear {
      Linear(
        weight: try loader.tensor(name + ".weight", [input, output], .matrix),
        bias: try loader.optional(name + ".bias", [output], .vector))
    }
    func norm(_ name: String) throws(ModelError) -> LayerNorm? {
      guard let weight = try loader.optional(name + ".weight", [width], .vector) else { return nil }
      return LayerNorm(weight: weight, bias: try loader.optional(name + ".bias", [width], .vector))
    }

    let side = parameters.patchSize
    patches = Linear(
      weight: try loader.tensor("v.patch_embd.weight", [side, side, 3, width], .matrix),
      bias: try loader.optional("v.patch_embd.bias", [width], .vector))
    classToken = try loader.optional("v.class_embd", [width], .vector)
    let places = parameters.patchesPerSide * parameters.patchesPerSide + (classToken == nil ? 0 : 1)
    positions = try loader.tensor("v.position_embd.weight", [width, places], .vector)
    preNorm = try norm("v.pre_ln")
    postNorm = try norm("v.post_ln")

    blocks = []
    for index in 0..<(parameters.featureLayers.max() ?? 0) {
      let name = "v.blk.\(index)."
      guard let norm1 = try norm(name + "ln1"), let norm2 = try norm(name + "ln2") else {
        throw .malformed(file: file.path, reason: "the norms of block \(index) are missing")
      }
      // Older converters wrote the two feed-forward matrices under each other's name.
      let upShape = file.tensors[name + "ffn_up.weight"]?.shape ?? []
      let downShape = file.tensors[name + "ffn_down.weight"]?.shape ?? []
      let swapped = downShape.first == width && upShape.first != width
      let inner = (swapped ? downShape : upShape).last ?? 0
      blocks.append(
        Block(
          norm1: norm1, norm2: norm2,
          query: try linear(name + "attn_q", width, width),
          key: try linear(name + "attn_k", width, width),
          value: try linear(name + "attn_v", width, width),
          output: try linear(name + "attn_out", width, width),
          up: try linear(name + (swapped ? "ffn_down" : "ffn_up"), width, inner),
          down: try linear(name + (swapped ? "ffn_up" : "ffn_down"), inner, width)))
    }

    let hidden = file.tensors["mm.0.weight"]?.shape.last ?? 0
    languageWidth = file.tensors["mm.2.weight"]?.shape.last ?? 0
    projector = (
      first: try linear("mm.0", parameters.channels, hidden),
      second: try linear("mm.2", hidden, languageWidth)
    )
    let newlineName = ["v.image_newline", "model.image_newline"].first { file.tensors[$0] != nil }
    newline = try newlineName.map { name throws(ModelError) in
      try loader.tensor(name, [languageWidth], .vector)
    }
    if newline == nil, !parameters.gridPinpoints.isEmpty {
      throw .malformed(
        file: file.path, reason: "the tensor image_newline is missing, which tiled images need")
    }
  }
}
