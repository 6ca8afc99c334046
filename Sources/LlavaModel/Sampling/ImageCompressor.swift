import Answering
import CLlama
import TokenSampling

/// Turns what the vision tower made into the compressed image that is cached.
///
/// Not thread-safe: used from the engine's thread only.
struct ImageCompressor {
  let sampler: VisionGuidedSampler
  let choice: RouterChoice
  /// Where the choice is the learned one.
  private let router: LearnedRouter?
  let type: TokenType

  init(_ file: SamplerFile?, _ settings: EngineSettings, device: ComputeDevice) throws(ModelError) {
    let learned = try file?.router(on: device)
    choice = settings.router ?? (learned == nil ? .density : .learned)
    if choice == .learned, learned == nil {
      throw .setting("the learned router is asked for, but there is no sampler file with one")
    }
    router = choice == .learned ? learned : nil
    var sampler = file?.vision ?? VisionGuidedSampler()
    sampler.budget = settings.visualBudget ?? sampler.budget
    if router == nil { sampler.budget = sampler.budget ?? EngineSettings.densityBudget }
    self.sampler = sampler
    type = settings.tokenType
  }

  func compress(_ image: EncodedImage, _ compression: Compression) throws -> CompressedImage {
    let scales = compression == .none || sampler.keepsAll ? nil : try route(image)
    let sampled = sampler.compress(image, by: scales)
    let channels = image.sampled.channels
    let type = type.holds(channels: channels) ? type : .f16
    return CompressedImage(
      tokens: TokenRows.encode(sampled.features, as: type, channels: channels), type: type,
      channels: channels, overviewTokens: sampled.overviewTokens, newlines: sampled.newlines,
      map: image.sampled.size, scales: sampled.scales, encodedTokens: image.tokenCount)
  }

  private func route(_ image: EncodedImage) throws -> ScaleMap {
    let blocks = sampler.blocks(of: image)
    let limit = sampler.limit(for: image)
    guard let router else {
      let limit = limit ?? image.sampled.size.count
      return choice == .uniform
        ? UniformRouter.scaleMap(blocks: blocks, limit: limit)
        : DensityRouter.scaleMap(
          DensityRouter.likeness(of: image.sampled, blocks: blocks), blocks: blocks, limit: limit)
    }
    return LogitRouting.scaleMap(
      try router.logits(of: image, blocks: blocks), blocks: blocks, limit: limit)
  }
}

extension TokenType {
  var ggml: ggml_type {
    switch self {
    case .f32: GGML_TYPE_F32
    case .f16: GGML_TYPE_F16
    case .q8: GGML_TYPE_Q8_0
    }
  }
}

extension CompressedImage {
  /// Whether the tokens are of `channels` values, all of them numbers.
  func isReadable(channels: Int) -> Bool {
    self.channels == channels && TokenRows.areFinite(tokens, as: type)
  }
}

/// Tokens as bytes of an element type.
enum TokenRows {
  /// Whether every value is a number. It is none where all bits of its exponent are set; in Q8_0 only the blocks'
  /// scales have one.
  static func areFinite(_ tokens: [UInt8], as type: TokenType) -> Bool {
    // Where the two bytes with the first exponent stand, how far the next are, and its bits; little-endian.
    let (first, step, exponent): (Int, Int, UInt16) =
      switch type {
      case .f32: (2, 4, 0x7F80)
      case .f16: (0, 2, 0x7C00)
      case .q8: (0, type.bytes(channels: 32), 0x7C00)
      }
    return tokens.withUnsafeBytes { bytes in
      stride(from: first, to: bytes.count - 1, by: step).allSatisfy { place in
        bytes.loadUnaligned(fromByteOffset: place, as: UInt16.self) & exponent != exponent
      }
    }
  }

  /// `features` is `[token, channel]`.
  static func encode(_ features: [Float], as type: TokenType, channels: Int) -> [UInt8] {
    let rows = features.count / max(1, channels)
    let count = rows * type.bytes(channels: channels)
    return [UInt8](unsafeUninitializedCapacity: count) { bytes, written in
      written = count
      guard let target = UnsafeMutableRawPointer(bytes.baseAddress) else { return }
      if type == .f32 {
        features.withUnsafeBytes { source in
          if let start = source.baseAddress { target.copyMemory(from: start, byteCount: count) }
        }
      } else {
        _ = ggml_quantize_chunk(type.ggml, features, target, 0, Int64(rows), Int64(channels), nil)
      }
    }
  }
}
