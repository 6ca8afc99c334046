import CLlama

/// `--vision-type`: the element type the vision tower's products run in.
public enum VisionType: String, Sendable, CaseIterable {
  /// 16-bit weights multiply as the type that is fastest on this machine and loses nothing that matters.
  case auto
  /// As the file holds them.
  case file

  /// The type that 16-bit weights multiply as; nil for their own.
  ///
  /// BF16 where the CPU multiplies it, else F32 in wide vectors. In narrow ones F32 is no faster than F16 and reads
  /// twice the memory. F16 is the more exact of the two halves, but ends at 65,504: a tower beyond that needs `file`.
  func product(on device: ComputeDevice) -> ggml_type? {
    guard self == .auto, device.isCPUOnly else { return nil }
    return device.multipliesBF16 ? GGML_TYPE_BF16 : device.hasWideVectors ? GGML_TYPE_F32 : GGML_TYPE_F16
  }

  /// The type that the weights of a matrix are held in: converted at load where that costs no memory and saves doing
  /// it for each image.
  func stored(_ type: ggml_type, on device: ComputeDevice) -> ggml_type {
    type == GGML_TYPE_F16 && product(on: device) == GGML_TYPE_BF16 ? GGML_TYPE_BF16 : type
  }

  /// Names what becomes of 16-bit weights here.
  func name(on device: ComputeDevice) -> String {
    product(on: device).map { String(cString: ggml_type_name($0)) } ?? "file"
  }
}
