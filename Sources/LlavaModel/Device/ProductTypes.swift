import CLlama

/// In which form a weight multiplies: interleaved where it is kept so and the rows are few, or through other types
/// inside the graph where their product is so much faster that converting costs less than it saves.
struct ProductTypes {
  /// Whether the CPU multiplies BF16 directly, at twice F16's speed and more.
  let multipliesBF16: Bool
  /// Whether F16 and BF16 widen to F32 where the CPU does not multiply BF16: for vision weights, which multiply
  /// hundreds of rows at least.
  let widensHalves: Bool
  /// Weights that are kept interleaved, too.
  let interleaved: [Tensor: Tensor]

  /// Rows from which Q8_0 is faster through BF16; below, converting the weight takes longer than it saves.
  static let leastRows = 256

  init(device: ComputeDevice, widensHalves: Bool = false, interleaved: [Tensor: Tensor] = [:]) {
    self.interleaved = interleaved
    multipliesBF16 = device.isCPUOnly && device.multipliesBF16
    self.widensHalves = widensHalves && device.isCPUOnly
  }

  /// The copy of `weight` that multiplies this many rows.
  func copy(of weight: Tensor, rows: Int) -> Tensor {
    rows <= RepackedBuffer.mostRows ? interleaved[weight] ?? weight : weight
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
