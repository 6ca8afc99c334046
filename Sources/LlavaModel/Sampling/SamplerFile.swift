import CLlama
import Crypto
import Foundation
import TokenSampling

/// A `sampler.gguf`: settings of both samplers, and the learned router where it was trained (`training/samplers/sampler_file.py` writes it).
struct SamplerFile {
  let file: GGUFFile
  let vision: VisionGuidedSampler
  /// The layer after which tokens are dropped, and how many are kept; nil where the file leaves them open.
  let selectionLayer: Int?
  let selectionRatio: Double?
  let strongestHead: Bool
  /// Whether there is a learned router; without one the density router is meant.
  let hasRouter: Bool
  private let routerWidth: Int
  private let routerHeads: Int

  /// Throws where the file is damaged, or was trained for another tower than `tower`'s.
  init(path: String, channels: Int, tower: GGUFFile) throws(ModelError) {
    let file = try GGUFFile(path: path)
    self.file = file
    func malformed(_ reason: String) -> ModelError { .malformed(file: path, reason: reason) }
    guard file.string("general.architecture") == "focus" else {
      throw malformed(
        "it is no sampler file: its architecture is \(file.string("general.architecture") ?? "unnamed")")
    }
    func positive(_ key: String, _ range: ClosedRange<Int>, _ value: Int?) throws(ModelError) -> Int {
      let found = try file.require(file.int(key) ?? value, key)
      guard range.contains(found) else { throw malformed("\(key) is \(found), outside \(range)") }
      return found
    }
    func share(_ key: String) throws(ModelError) -> Double? {
      // The shortest decimal that is this float is meant: 0.39, not 0.38999998569.
      guard let found = file.float(key).flatMap({ Double("\($0)") }) else { return nil }
      guard found > 0, found <= 1 else { throw malformed("\(key) is \(found), outside 0…1") }
      return found
    }
    hasRouter = file.tensors.keys.contains { $0.hasPrefix("router.") }
    let scales = file.ints("focus.scales") ?? ScaleMap.scales
    guard scales == ScaleMap.scales else { throw malformed("focus.scales is \(scales); 1, 2, 4 is done") }
    let length = try positive("focus.feature_length", 1...65536, channels)
    guard length == channels else {
      throw malformed("it reads tokens of \(length) values, but the vision file makes \(channels)")
    }
    let poolingName = file.string("focus.pooling") ?? (hasRouter ? "max" : "mean")
    guard let pooling = Pooling(rawValue: poolingName) else {
      throw malformed("focus.pooling is \(poolingName); max and mean are done")
    }
    let heads = file.string("focus.selection.heads") ?? "mean"
    guard ["mean", "max"].contains(heads) else {
      throw malformed("focus.selection.heads is \(heads); mean and max are done")
    }
    strongestHead = heads == "max"
    let place = try Self.place(in: file, channels: channels)
    vision = VisionGuidedSampler(
      blockSide: try positive("focus.block_size", 1...64, 4), pooling: pooling,
      overviewScale: try positive("focus.overview_scale", 1...8, 2), budget: try share("focus.visual_budget"),
      place: place)
    selectionLayer = file.int("focus.selection.layer")
    selectionRatio = try share("focus.selection.ratio")
    routerWidth = hasRouter ? try positive("focus.router.hidden_length", 1...65536, nil) : 0
    routerHeads = hasRouter ? try positive("focus.router.head_count", 1...1024, nil) : 0
    if hasRouter || place != nil, let trainedFor = file.string("focus.trained_for"), !trainedFor.isEmpty {
      let found = Self.tensorDigest(of: tower)
      guard trainedFor.lowercased() == found else {
        throw .unsupported(
          file: path,
          reason: "it was trained for another vision file (tensors \(trainedFor.prefix(12))…) than "
            + "\(tower.path) (\(found.prefix(12))…)")
      }
    }
  }

  /// The learned router; nil where the density router is meant.
  func router(on device: ComputeDevice) throws(ModelError) -> LearnedRouter? {
    guard hasRouter else { return nil }
    let weights = try RouterWeights(
      file, channels: file.int("focus.feature_length") ?? 0, width: routerWidth, heads: routerHeads,
      device: device)
    return LearnedRouter(weights: weights, device: device)
  }

  /// What tells tokens' places; nil where the file has none.
  private static func place(in file: GGUFFile, channels: Int) throws(ModelError) -> PlaceEmbedding? {
    let name = "place.weight"
    guard let entry = file.tensors[name] else { return nil }
    let bytes = file.map.bytes(entry.bytes)
    guard entry.type == GGML_TYPE_F32, entry.shape == [PlaceEmbedding.inputs, channels],
      let place = PlaceEmbedding(
        weight: stride(from: 0, to: bytes.count, by: 4).map {
          bytes.loadUnaligned(fromByteOffset: $0, as: Float.self)
        }, channels: channels)
    else {
      throw .malformed(
        file: file.path,
        reason: "\(name) must be \(channels) rows of \(PlaceEmbedding.inputs) numbers in F32")
    }
    return place
  }

  /// SHA-256 over the tensors in order of their names: each one's name, a zero byte, its bytes as stored.
  static func tensorDigest(of file: GGUFFile) -> String {
    var hash = SHA256()
    for entry in file.tensors.values.sorted(by: {
      Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8))
    }) {
      hash.update(data: Data(entry.name.utf8) + [0])
      hash.update(bufferPointer: file.map.bytes(entry.bytes))
    }
    return hash.finalize().map { String(format: "%02x", $0) }.joined()
  }
}
