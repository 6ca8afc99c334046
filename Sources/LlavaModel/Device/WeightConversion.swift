import CLlama

/// Copies a tensor's bytes to the device, converting its element type on the way.
enum WeightConversion {
  /// Whether there is a way from `type` to F32: from integers, doubles and types of activations there is none, and
  /// no product either.
  static func reads(_ type: ggml_type) -> Bool {
    type == GGML_TYPE_F32 || ggml_get_type_traits(type).pointee.to_float != nil
  }

  /// `bytes` hold the whole tensor as `type`, one that it `reads`.
  static func copy(_ bytes: UnsafeRawBufferPointer, _ type: ggml_type, to tensor: Tensor) {
    let target = tensor.pointee.type
    if target == type {
      ggml_backend_tensor_set(tensor, bytes.baseAddress, 0, bytes.count)
      return
    }
    // Row by row groups, so that a large matrix needs no second copy of itself in memory.
    let width = Int(tensor.pointee.ne.0)
    let rows = Int(ggml_nelements(tensor)) / width
    let rowsAtOnce = max(1, (1 << 20) / width)
    let sourceRow = ggml_row_size(type, Int64(width))
    let targetRow = ggml_row_size(target, Int64(width))
    var floats = [Float](repeating: 0, count: rowsAtOnce * width)
    var converted = [UInt8](repeating: 0, count: rowsAtOnce * targetRow)
    for row in stride(from: 0, to: rows, by: rowsAtOnce) {
      let count = min(rowsAtOnce, rows - row)
      toFloats(bytes.baseAddress.map { $0 + row * sourceRow }, type, &floats, count * width)
      if target == GGML_TYPE_F32 {
        ggml_backend_tensor_set(tensor, floats, row * targetRow, count * targetRow)
      } else {
        converted.withUnsafeMutableBytes { buffer in
          _ = ggml_quantize_chunk(target, floats, buffer.baseAddress, 0, Int64(count), Int64(width), nil)
        }
        ggml_backend_tensor_set(tensor, converted, row * targetRow, count * targetRow)
      }
    }
  }

  private static func toFloats(
    _ source: UnsafeRawPointer?, _ type: ggml_type, _ floats: inout [Float], _ count: Int
  ) {
    if type == GGML_TYPE_F32 {
      floats.withUnsafeMutableBytes { buffer in
        if let source { buffer.copyMemory(from: .init(start: source, count: count * 4)) }
      }
    } else {
      ggml_get_type_traits(type)?.pointee.to_float(source, &floats, Int64(count))
    }
  }
}
