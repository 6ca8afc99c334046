import CLlama

/// Keys and values of all rows in flight: for each layer one K and one V of `[key/value width, cells]`.
final class KeyValueArena {
  let keys: [Tensor]
  let values: [Tensor]
  let cells: Int
  private let context: OpaquePointer
  private let buffer: ggml_backend_buffer_t

  init(
    parameters: LanguageParameters, cells: Int, type: ggml_type, device: ComputeDevice
  ) throws(ModelError) {
    let failure = ModelError.device(
      "\(device.name) has too little memory for \(cells) key/value cells; lower --context-cells")
    guard
      let context = ggml_init(
        ggml_init_params(
          mem_size: ggml_tensor_overhead() * (2 * parameters.layers + 1), mem_buffer: nil, no_alloc: true))
    else { throw failure }
    func layer() -> Tensor? {
      ggml_new_tensor_2d(context, type, Int64(parameters.keyValueWidth), Int64(cells))
    }
    keys = (0..<parameters.layers).compactMap { _ in layer() }
    values = (0..<parameters.layers).compactMap { _ in layer() }
    guard
      let buffer = ggml_backend_alloc_ctx_tensors_from_buft(
        context, ggml_backend_dev_buffer_type(device.device))
    else {
      ggml_free(context)
      throw failure
    }
    // Masked cells still enter the sums with weight 0: they must hold numbers.
    ggml_backend_buffer_clear(buffer, 0)
    self.context = context
    self.buffer = buffer
    self.cells = cells
  }

  deinit {
    ggml_backend_buffer_free(buffer)
    ggml_free(context)
  }

  /// Bytes of one cell over all layers.
  static func bytesPerCell(_ parameters: LanguageParameters, _ type: ggml_type) -> Int {
    2 * parameters.layers * ggml_row_size(type, Int64(parameters.keyValueWidth))
  }
}
