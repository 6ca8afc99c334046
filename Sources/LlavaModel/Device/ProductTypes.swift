import CLlama

/// In which form a weight multiplies: interleaved where it is kept so and the rows are few, or as another type inside
/// the graph where that type's product is so much faster that converting costs less than it saves.
struct ProductTypes {
  /// Whether the CPU multiplies BF16 directly, at twice F16's speed and more.
  let multipliesBF16: Bool
  /// Whether F16 and BF16 widen to F32 where the CPU does not multiply BF16: for vision weights, which multiply
  /// hundreds of rows at least.
  let widensHalves: Bool
  /// Weights that are kept interleaved, too.
  let interleaved: [Tensor: Tensor]

  /// Rows from which Q8_0 is faster as BF16; below, converting the weight takes longer than it saves.
  static let leastRows = 96

  init(device: ComputeDevice, widensHalves: Bool = false, interleaved: [Tensor: Tensor] = [:]) {
    self.interleaved = interleaved
    multipliesBF16 = device.isCPUOnly && device.multipliesBF16
    self.widensHalves = widensHalves && device.isCPUOnly
  }

  /// The copy of `weight` that multiplies this many rows.
  func copy(of weight: Tensor, rows: Int) -> Tensor {
    rows <= RepackedBuffer.mostRows ? interleaved[weight] ?? weight : weight
  }

  /// The type that a weight of `type` multiplies this many rows as; nil for its own.
  func conversion(of type: ggml_type, rows: Int) -> ggml_type? {
    switch type {
    case GGML_TYPE_Q8_0: multipliesBF16 && rows >= Self.leastRows ? GGML_TYPE_BF16 : nil
    case GGML_TYPE_F16, GGML_TYPE_BF16: widensHalves && !multipliesBF16 ? GGML_TYPE_F32 : nil
    default: nil
    }
  }
}
