import CLlama

/// The CPU's buffer type that interleaves a weight's rows for its wide kernels.
///
/// Q4_0 is twice as fast so at hundreds of rows, and not slower at one. Q4_K is a quarter faster so at up to a dozen
/// rows, and half as fast at hundreds: there a graph takes it apart again, which costs as much as reading it once more.
/// Other types have no such form, or gain nothing.
enum RepackedBuffer {
  /// Rows up to which an interleaved Q4_K multiplies faster than a plain one.
  static let mostRows = 24

  /// Whether `weight` lies in such a buffer of `device`.
  static func holds(_ weight: Tensor, on device: ComputeDevice) -> Bool {
    guard device.isCPUOnly, let buffer = weight.pointee.buffer else { return false }
    return !ggml_backend_buffer_is_host(buffer)
  }

  /// nil where a weight of this type gains nothing by it.
  static func find(
    for entry: GGUFFile.TensorEntry, _ type: ggml_type, on device: ComputeDevice
  ) -> ggml_backend_buffer_type_t? {
    typealias ExtraBuffers =
      @convention(c) (ggml_backend_dev_t?) -> UnsafeMutablePointer<ggml_backend_buffer_type_t?>?
    guard device.isCPUOnly, type == GGML_TYPE_Q4_0 || type == GGML_TYPE_Q4_K, entry.type == type,
      entry.shape.count == 2,
      let address = ggml_backend_reg_get_proc_address(
        ggml_backend_dev_backend_reg(device.cpu), "ggml_backend_dev_get_extra_bufts"),
      var candidate = unsafeBitCast(address, to: ExtraBuffers.self)(device.cpu)
    else { return nil }
    while let buffer = candidate.pointee {
      if canMultiply(entry, in: buffer, on: device.cpu),
        type != GGML_TYPE_Q4_K || Deinterleaving.undoes(buffer)
      {
        return buffer
      }
      candidate += 1
    }
    return nil
  }

  /// Asks the device with a product of this shape, as placing an unsupported tensor there would crash.
  private static func canMultiply(
    _ entry: GGUFFile.TensorEntry, in type: ggml_backend_buffer_type_t, on device: ggml_backend_dev_t
  ) -> Bool {
    guard
      let context = ggml_init(
        ggml_init_params(mem_size: ggml_tensor_overhead() * 4, mem_buffer: nil, no_alloc: true))
    else { return false }
    defer { ggml_free(context) }
    let width = Int64(entry.shape[0])
    guard let weight = ggml_new_tensor_2d(context, entry.type, width, Int64(entry.shape[1])),
      let rows = ggml_new_tensor_2d(context, GGML_TYPE_F32, width, 512),
      let product = ggml_mul_mat(context, weight, rows),
      let buffer = ggml_backend_buft_alloc_buffer(type, 0)
    else { return false }
    defer { ggml_backend_buffer_free(buffer) }
    weight.pointee.buffer = buffer
    return ggml_backend_dev_supports_op(device, product)
  }
}
