import CLlama

/// Q4_K weights as the file has them, from the form that the CPU's repacked buffer keeps them in, inside a graph.
///
/// The repacked form takes eight rows' blocks together: the eight scales and the eight minima in F16, 96 bytes of
/// 6-bit scales of sub-blocks, and the 4-bit values, eight bytes of each row in turn. Nothing is lost by it, so the
/// way back gives the file's bytes (`RepackedBuffer` tries that once before it uses the form at all).
enum Deinterleaving {
  /// Rows whose blocks lie together.
  static let rows = 8
  private static let valuesPerBlock = 256
  private static let blockBytes = 144

  /// `weight` is Q4_K in the repacked buffer, and outlives the graph: it is no source of the node, as ggml takes
  /// products alone for weights in that buffer.
  static func plain(_ weight: Tensor, in context: OpaquePointer) -> Tensor {
    var sources: [Tensor?] = []
    let extents = weight.pointee.ne
    return ggml_custom_4d(
      context, GGML_TYPE_Q4_K, extents.0, extents.1, extents.2, extents.3, &sources, 0, deinterleave,
      GGML_N_TASKS_MAX, weight.pointee.data)
  }

  /// Tries whether what `type` makes of eight blocks is made undone: each CPU has its own form, and ggml may change it.
  static func undoes(_ type: ggml_backend_buffer_type_t) -> Bool {
    guard
      let context = ggml_init(
        ggml_init_params(mem_size: ggml_tensor_overhead(), mem_buffer: nil, no_alloc: true))
    else { return false }
    defer { ggml_free(context) }
    guard let tensor = ggml_new_tensor_2d(context, GGML_TYPE_Q4_K, Int64(valuesPerBlock), Int64(rows)),
      let buffer = ggml_backend_alloc_ctx_tensors_from_buft(context, type)
    else { return false }
    defer { ggml_backend_buffer_free(buffer) }
    let plain = (0..<rows * blockBytes).map { UInt8(truncatingIfNeeded: $0 * 167 + $0 / 256) }
    ggml_backend_tensor_set(tensor, plain, 0, plain.count)
    guard let repacked = tensor.pointee.data else { return false }
    let restored = [UInt8](unsafeUninitializedCapacity: plain.count) { bytes, count in
      if let target = bytes.baseAddress { restore(repacked, to: target, groups: 0..<1, blocks: 1) }
      count = plain.count
    }
    return restored == plain
  }

  /// One thread's part, the `index`-th of `count`.
  private static let deinterleave: ggml_custom_op_t = { target, index, count, source in
    guard let target, let source, let output = target.pointee.data else { return }
    let blocks = Int(target.pointee.ne.0) / valuesPerBlock
    let groups = Int(ggml_nrows(target)) / rows
    let part = groups * Int(index) / Int(count)..<groups * Int(index + 1) / Int(count)
    restore(source, to: output, groups: part, blocks: blocks)
  }

  /// Groups of eight rows, `blocks` to a row.
  static func restore(
    _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, groups: Range<Int>, blocks: Int
  ) {
    for group in groups {
      for block in 0..<blocks {
        restoreBlocks(
          source + (group * blocks + block) * rows * blockBytes,
          to: target + (group * rows * blocks + block) * blockBytes, stride: blocks * blockBytes)
      }
    }
  }

  /// Eight blocks that lie together, to eight that lie `stride` bytes apart.
  @inline(__always)
  private static func restoreBlocks(
    _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, stride: Int
  ) {
    restoreScales(source + 32, to: target, stride: stride)
    let values = source + 128
    for row in 0..<rows {
      let block = target + row * stride
      block.storeBytes(of: source.load(fromByteOffset: 2 * row, as: UInt16.self), as: UInt16.self)
      block.storeBytes(
        of: source.load(fromByteOffset: 16 + 2 * row, as: UInt16.self), toByteOffset: 2, as: UInt16.self)
      for part in 0..<16 {
        block.storeBytes(
          of: values.load(fromByteOffset: (part * rows + row) * 8, as: UInt64.self),
          toByteOffset: 16 + part * 8, as: UInt64.self)
      }
    }
  }

  /// The source has twelve bytes for each sub-block, packed from eight rows; a block has them packed from its eight
  /// sub-blocks in the same way. So: unpack eight bytes at once, transpose, and pack again.
  @inline(__always)
  private static func restoreScales(
    _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, stride: Int
  ) {
    var scales = read(source, scalesOfSubBlock)
    var minima = read(source, minimaOfSubBlock)
    transpose(&scales)
    transpose(&minima)
    var block = target + 4
    write(scales.0, minima.0, to: &block, stride)
    write(scales.1, minima.1, to: &block, stride)
    write(scales.2, minima.2, to: &block, stride)
    write(scales.3, minima.3, to: &block, stride)
    write(scales.4, minima.4, to: &block, stride)
    write(scales.5, minima.5, to: &block, stride)
    write(scales.6, minima.6, to: &block, stride)
    write(scales.7, minima.7, to: &block, stride)
  }

  @inline(__always)
  private static func read(_ source: UnsafeRawPointer, _ part: (UnsafeRawPointer) -> UInt64) -> Bytes8x8 {
    (
      part(source), part(source + 12), part(source + 24), part(source + 36),
      part(source + 48), part(source + 60), part(source + 72), part(source + 84)
    )
  }

  @inline(__always)
  private static func scalesOfSubBlock(_ bytes: UnsafeRawPointer) -> UInt64 {
    let low = bytes.load(as: UInt32.self)
    let rest = bytes.load(fromByteOffset: 8, as: UInt32.self)
    return joined(low & 0x3F3F_3F3F, rest & 0x0F0F_0F0F | low &>> 2 & 0x3030_3030)
  }

  @inline(__always)
  private static func minimaOfSubBlock(_ bytes: UnsafeRawPointer) -> UInt64 {
    let low = bytes.load(fromByteOffset: 4, as: UInt32.self)
    let rest = bytes.load(fromByteOffset: 8, as: UInt32.self)
    return joined(low & 0x3F3F_3F3F, rest &>> 4 & 0x0F0F_0F0F | low &>> 2 & 0x3030_3030)
  }

  @inline(__always)
  private static func write(
    _ scales: UInt64, _ minima: UInt64, to block: inout UnsafeMutableRawPointer, _ stride: Int
  ) {
    block.storeBytes(of: packed(scales), as: UInt32.self)
    block.storeBytes(of: packed(minima), toByteOffset: 4, as: UInt32.self)
    block.storeBytes(
      of: half(scales) & 0x0F0F_0F0F | (half(minima) & 0x0F0F_0F0F) &<< 4, toByteOffset: 8, as: UInt32.self)
    block += stride
  }

  /// Eight times eight bytes; a tuple, so that it can live in registers.
  private typealias Bytes8x8 = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

  @inline(__always)
  private static func transpose(_ rows: inout Bytes8x8) {
    exchange(&rows.0, &rows.4, 32, 0xFFFF_FFFF)
    exchange(&rows.1, &rows.5, 32, 0xFFFF_FFFF)
    exchange(&rows.2, &rows.6, 32, 0xFFFF_FFFF)
    exchange(&rows.3, &rows.7, 32, 0xFFFF_FFFF)
    exchange(&rows.0, &rows.2, 16, 0xFFFF_0000_FFFF)
    exchange(&rows.1, &rows.3, 16, 0xFFFF_0000_FFFF)
    exchange(&rows.4, &rows.6, 16, 0xFFFF_0000_FFFF)
    exchange(&rows.5, &rows.7, 16, 0xFFFF_0000_FFFF)
    exchange(&rows.0, &rows.1, 8, 0xFF_00FF_00FF_00FF)
    exchange(&rows.2, &rows.3, 8, 0xFF_00FF_00FF_00FF)
    exchange(&rows.4, &rows.5, 8, 0xFF_00FF_00FF_00FF)
    exchange(&rows.6, &rows.7, 8, 0xFF_00FF_00FF_00FF)
  }

  /// Swaps the upper bytes of `first` with the lower ones of `second`.
  @inline(__always)
  private static func exchange(_ first: inout UInt64, _ second: inout UInt64, _ shift: UInt64, _ mask: UInt64)
  {
    let changed = (first &>> shift ^ second) & mask
    first ^= changed &<< shift
    second ^= changed
  }

  @inline(__always)
  private static func joined(_ low: UInt32, _ high: UInt32) -> UInt64 { UInt64(low) | UInt64(high) &<< 32 }

  @inline(__always)
  private static func half(_ bytes: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: bytes &>> 32) }

  /// Four values of 6 bits, and above each the two highest bits of another four.
  @inline(__always)
  private static func packed(_ bytes: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: bytes) | (half(bytes) & 0x3030_3030) &<< 2
  }
}
