import CLlama

/// Q8_0 weights as BF16, inside a graph. ggml casts them by way of F32, which moves four times the memory.
enum BlockWidening {
  /// Bytes of a block: a scale in F16, and 32 signed bytes.
  private static let blockBytes = 34
  private static let blockValues = 32

  /// `weight` is contiguous Q8_0 on the CPU. What `ggml_cast` to F32 and then to BF16 gives, bit by bit.
  static func widened(_ weight: Tensor, in context: OpaquePointer) -> Tensor {
    var sources: [Tensor?] = [weight]
    let extents = weight.pointee.ne
    return ggml_custom_4d(
      context, GGML_TYPE_BF16, extents.0, extents.1, extents.2, extents.3, &sources, 1, widen,
      GGML_N_TASKS_MAX, nil)
  }

  /// One thread's part, the `index`-th of `count`.
  private static let widen: ggml_custom_op_t = { target, index, count, _ in
    guard let target, let source = target.pointee.src.0?.pointee.data, let output = target.pointee.data else {
      return
    }
    let blocks = Int(ggml_nelements(target)) / blockValues
    let part = blocks * Int(index) / Int(count)..<blocks * Int(index + 1) / Int(count)
    var input = UnsafeRawPointer(source) + part.lowerBound * blockBytes
    var values = output.assumingMemoryBound(to: UInt16.self) + part.lowerBound * blockValues
    for _ in part {
      widenBlock(input, to: values)
      input += blockBytes
      values += blockValues
    }
  }

  /// Loops over 32 plain values, so that the compiler can take several at once.
  @inline(__always)
  private static func widenBlock(_ block: UnsafeRawPointer, to values: UnsafeMutablePointer<UInt16>) {
    let scale = float(half: block.loadUnaligned(as: UInt16.self))
    let bytes = (block + 2).assumingMemoryBound(to: Int8.self)
    for index in 0..<blockValues {
      let bits = (Float(bytes[index]) * scale).bitPattern
      // To the nearest, ties to even.
      values[index] = UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits &>> 16 & 1)) &>> 16)
    }
  }

  /// A finite F16 value: its bits are a float's with another exponent bias.
  @inline(__always)
  private static func float(half: UInt16) -> Float {
    let magnitude = Float(bitPattern: UInt32(half & 0x7FFF) &<< 13) * 0x1p112
    return Float(bitPattern: magnitude.bitPattern | UInt32(half & 0x8000) &<< 16)
  }
}
