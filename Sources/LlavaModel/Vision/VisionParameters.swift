import TokenSampling

/// What a vision file says of its tower and preprocessing (keys `clip.vision.*`).
struct VisionParameters {
  enum Activation {
    case quickGELU
    case gelu
    case silu
  }

  var tileSize: Int
  var patchSize: Int
  /// Width C of the tower.
  var width: Int
  var feedForward: Int
  var heads: Int
  /// Blocks in the file.
  var blocks: Int
  var epsilon: Float
  /// Normalisation of pixels in [0, 1], by channel.
  var mean: [Float]
  var deviation: [Float]
  var activation: Activation
  /// Features are the tower's state after each of these many blocks, side by side in this order.
  var featureLayers: [Int]
  /// Grids an image may be fitted to, in pixels; empty for LLaVA-1.5.
  var gridPinpoints: [PixelSize]

  /// Patches along a tile's side.
  var patchesPerSide: Int { tileSize / patchSize }
  /// Width of a visual token.
  var channels: Int { width * featureLayers.count }

  init(_ file: GGUFFile) throws(ModelError) {
    let architecture = file.string("general.architecture")
    guard architecture == "clip" else {
      throw .unsupported(
        file: file.path, reason: "its architecture is \(architecture ?? "not named"), not the clip of LLaVA")
    }
    guard file.bool("clip.has_vision_encoder") ?? true else {
      throw .unsupported(file: file.path, reason: "it holds no vision tower")
    }
    let projector = file.string("clip.projector_type") ?? file.string("clip.vision.projector_type") ?? "mlp"
    guard projector == "mlp" else {
      throw .unsupported(file: file.path, reason: "its projector is \(projector); only mlp (LLaVA) is done")
    }
    func int(_ key: String, _ range: ClosedRange<Int>) throws(ModelError) -> Int {
      let value = try file.require(file.int("clip.vision." + key), "clip.vision." + key)
      guard range.contains(value) else {
        throw .malformed(file: file.path, reason: "clip.vision.\(key) is \(value), outside \(range)")
      }
      return value
    }
    tileSize = try int("image_size", 1...8192)
    patchSize = try int("patch_size", 1...tileSize)
    width = try int("embedding_length", 1...65536)
    feedForward = try int("feed_forward_length", 0...1_048_576)
    heads = try int("attention.head_count", 1...1024)
    // What a graph has nodes for.
    blocks = try int("block_count", 1...256)
    guard width % heads == 0 else {
      throw .malformed(file: file.path, reason: "the width \(width) is not a multiple of \(heads) heads")
    }
    epsilon = try file.epsilon("clip.vision.attention.layer_norm_epsilon", default: 1e-5)
    mean = try Self.channels(file, "clip.vision.image_mean")
    deviation = try Self.channels(file, "clip.vision.image_std")
    activation =
      file.bool("clip.use_silu") == true ? .silu : file.bool("clip.use_gelu") == true ? .gelu : .quickGELU

    // Without the key all blocks in the file run: the converter has already left out those after the features.
    let blocks = blocks
    featureLayers = (file.ints("clip.vision.feature_layer") ?? [blocks]).map { $0 < 0 ? blocks + 1 + $0 : $0 }
    guard !featureLayers.isEmpty, featureLayers.allSatisfy({ (0...blocks).contains($0) }) else {
      throw .malformed(file: file.path, reason: "clip.vision.feature_layer names a block it does not hold")
    }
    guard Set(featureLayers).count == featureLayers.count else {
      throw .malformed(file: file.path, reason: "clip.vision.feature_layer names a block twice")
    }

    let sides = file.ints("clip.vision.image_grid_pinpoints") ?? []
    let tile = tileSize
    guard sides.count % 2 == 0, sides.allSatisfy({ $0 > 0 && $0 % tile == 0 && $0 <= 64 * tile }) else {
      throw .malformed(
        file: file.path, reason: "clip.vision.image_grid_pinpoints are no pairs of multiples of \(tile)")
    }
    // Pairs are (height, width), as Hugging Face reads them; their order decides between equals.
    gridPinpoints = stride(from: 0, to: sides.count, by: 2).map {
      PixelSize(width: sides[$0 + 1], height: sides[$0])
    }
    let merge = file.string("clip.vision.mm_patch_merge_type") ?? "flat"
    guard ["flat", "spatial_unpad"].contains(merge) else {
      throw .unsupported(
        file: file.path, reason: "its tiles are merged by \(merge), not spatial_unpad or flat")
    }
    if merge == "flat" { gridPinpoints = [] }
  }

  private static func channels(_ file: GGUFFile, _ key: String) throws(ModelError) -> [Float] {
    let values = try file.require(file.floats(key), key)
    guard values.count == 3, values.allSatisfy({ $0.isFinite }) else {
      throw .malformed(file: file.path, reason: "\(key) does not hold three numbers")
    }
    return values
  }
}
