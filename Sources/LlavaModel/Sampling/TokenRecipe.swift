import Answering
import Crypto
import Foundation

/// All that decides, beside an image's bytes, what its tokens are. Part of a compressed image's key.
struct TokenRecipe {
  /// Digests of the files.
  let vision: String
  let sampler: String?
  let compressor: ImageCompressor
  /// How the tower's matrices are multiplied: the same file gives slightly other tokens in another type.
  let visionType: String

  /// Rises when decoding, tiling or sampling change what comes out.
  private static let preprocessingVersion = 2

  func recipe(_ compression: Compression) -> String {
    var parts = [
      "preprocessing \(Self.preprocessingVersion)", "vision \(vision)", "vision type \(visionType)",
      "tokens \(compressor.type.rawValue)",
    ]
    if compression != .none, !compressor.sampler.keepsAll {
      let sampling = compressor.sampler
      parts += [
        "router \(compressor.choice == .learned ? sampler ?? "" : compressor.choice.rawValue)",
        "block \(sampling.blockSide)",
        "pooling \(sampling.pooling.rawValue)", "overview \(sampling.overviewScale)",
        "budget \(sampling.budget.map { "\($0)" } ?? "router")",
      ]
      if sampling.place != nil { parts.append("places \(sampler ?? "")") }
    }
    return parts.joined(separator: "; ")
  }
}
