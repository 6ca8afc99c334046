import CLlama

/// Types that a weight passes through inside the graph before it multiplies, where another type's product is so much
/// faster that converting costs less than it saves.
struct ProductTypes {
  /// Whether the CPU multiplies BF16 directly, at twice F16's speed and more.
  let multipliesBF16: Bool
  /// Whether F16 and BF16 widen to F32 where the CPU does not multiply BF16: for vision weights, which multiply
  /// hundreds of rows at least.
  let widensHalves: Bool

  /// Rows from which Q8_0 is faster through BF16; below, converting the weight takes longer than it saves.
  static let leastRows = 256

  init(device: ComputeDevice, widensHalves: Bool = false) {
    multipliesBF16 = device.isCPUOnly && device.multipliesBF16
    self.widensHalves = widensHalves && device.isCPUOnly
  }

  /// Each a cast of the one before; none where the weight multiplies as it is.
  func casts(of type: ggml_type, rows: Int) -> [ggml_type] {
    switch type {
    // ggml does not cast Q8_0 straight to BF16.
    case GGML_TYPE_Q8_0 where multipliesBF16 && rows >= Self.leastRows: [GGML_TYPE_F32, GGML_TYPE_BF16]
    case GGML_TYPE_F16, GGML_TYPE_BF16: widensHalves && !multipliesBF16 ? [GGML_TYPE_F32] : []
    default: []
    }
  }
}
