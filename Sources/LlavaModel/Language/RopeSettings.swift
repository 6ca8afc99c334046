import CLlama
import Foundation

/// Rotary position embedding as a model file asks for it; the same arithmetic as libllama's.
struct RopeSettings {
  /// Pairs of neighbours (0, llama files with permuted query and key) or halves (2, NEOX).
  var mode: Int32 = GGML_ROPE_TYPE_NORMAL
  var dimensions: Int
  var base: Float
  /// 1 / factor of linear or YaRN scaling.
  var scale: Float = 1
  var originalContext: Int
  /// YaRN's mix of interpolation and extrapolation.
  var extrapolation: Float = 0
  var attentionFactor: Float = 1
  var betaFast: Float = 32
  var betaSlow: Float = 1

  init(_ file: GGUFFile, _ name: String, headWidth: Int, contextLength: Int) throws(ModelError) {
    dimensions = file.int("\(name).rope.dimension_count") ?? headWidth
    guard dimensions == headWidth else {
      throw .unsupported(
        file: file.path,
        reason: "it rotates \(dimensions) of a head's \(headWidth) values; only whole heads are done")
    }
    base = file.float("\(name).rope.freq_base") ?? 10_000
    let contextKey = "\(name).rope.scaling.original_context_length"
    originalContext = file.int(contextKey) ?? contextLength
    guard (1...Int(Int32.max)).contains(originalContext) else {
      throw .malformed(file: file.path, reason: "\(contextKey) is \(originalContext), which is no length")
    }
    attentionFactor = file.float("\(name).rope.scaling.attn_factor") ?? 1
    let factor = file.float("\(name).rope.scaling.factor") ?? file.float("\(name).rope.scale_linear") ?? 0
    let kind = file.string("\(name).rope.scaling.type") ?? "linear"
    guard factor > 0 else { return }
    switch kind {
    case "none": break
    case "linear": scale = 1 / factor
    case "yarn":
      scale = 1 / factor
      extrapolation = 1
      betaFast = file.float("\(name).rope.scaling.yarn_beta_fast") ?? 32
      betaSlow = file.float("\(name).rope.scaling.yarn_beta_slow") ?? 1
      // ggml multiplies by YaRN's 1 + 0.1 ln(factor) itself; below a factor of 1 there is none to multiply by.
      if factor < 1 { attentionFactor /= 1 + 0.1 * log(factor) }
    default:
      throw .unsupported(
        file: file.path, reason: "its rope scaling is \(kind); none, linear and yarn are done")
    }
  }

  /// Rotates `rows` (`[head width, heads, rows]`) by their `positions`.
  func apply(_ rows: Tensor, positions: Tensor, factors: Tensor?, in builder: GraphBuilder) -> Tensor {
    ggml_rope_ext(
      builder.context, rows, positions, factors, Int32(dimensions), mode, Int32(originalContext), base, scale,
      extrapolation, attentionFactor, betaFast, betaSlow)
  }
}
