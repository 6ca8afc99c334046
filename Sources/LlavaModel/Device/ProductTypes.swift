import CLlama

/// In which form a weight multiplies: as it is kept, or in another made inside the graph, where that one's product is
/// so much faster that making it costs less than it saves.
struct ProductTypes {
  /// A form that a graph makes of a weight.
  enum Form: Equatable {
    case cast(ggml_type)
    /// Q8_0 as BF16.
    case widened
    /// Q4_K as it was before it was interleaved.
    case deinterleaved
  }

  /// Whether the CPU multiplies BF16 directly, at twice F16's speed and more.
  let multipliesBF16: Bool
  /// What F16 and BF16 multiply as; nil for themselves. For vision weights, which multiply hundreds of rows at least.
  let halves: ggml_type?
  private let device: ComputeDevice

  /// Rows from which Q8_0 is faster as BF16; below, converting the weight takes longer than it saves.
  static let leastRows = 96

  init(device: ComputeDevice, halves: ggml_type? = nil) {
    self.device = device
    multipliesBF16 = device.isCPUOnly && device.multipliesBF16
    self.halves = halves
  }

  /// The form in which `weight` multiplies this many rows; nil for the one that it is kept in.
  func form(of weight: Tensor, rows: Int) -> Form? {
    switch weight.pointee.type {
    case GGML_TYPE_Q8_0: multipliesBF16 && rows >= Self.leastRows ? .widened : nil
    case GGML_TYPE_Q4_K:
      rows > RepackedBuffer.mostRows && RepackedBuffer.holds(weight, on: device) ? .deinterleaved : nil
    case GGML_TYPE_F16, GGML_TYPE_BF16: halves.flatMap { $0 == weight.pointee.type ? nil : .cast($0) }
    default: nil
    }
  }
}

extension ProductTypes.Form {
  /// `weight` in this form, as a node of the graph in `context`.
  func make(of weight: Tensor, in context: OpaquePointer) -> Tensor {
    switch self {
    case .cast(let type): ggml_cast(context, weight, type)
    case .widened: BlockWidening.widened(weight, in: context)
    case .deinterleaved: Deinterleaving.plain(weight, in: context)
    }
  }
}
