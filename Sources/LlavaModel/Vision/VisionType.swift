import CLlama

/// `--vision-type`: the element type the vision tower's products run in.
public enum VisionType: String, Sendable, CaseIterable {
  /// The fastest type on this machine that loses nothing that matters: on CPUs that multiply BF16 directly F16
  /// becomes BF16 at load; on those that don't F16 and BF16 widen to F32 while they are used.
  case auto
  /// As the file holds them.
  case file

  /// The type that the weights of a matrix are held in.
  func stored(_ type: ggml_type, on device: ComputeDevice) -> ggml_type {
    isChanged(type, on: device) && device.multipliesBF16 ? GGML_TYPE_BF16 : type
  }

  /// Names what becomes of 16-bit weights here.
  func name(on device: ComputeDevice) -> String {
    guard isChanged(GGML_TYPE_F16, on: device) else { return "file" }
    return device.multipliesBF16 ? "bf16" : "f32"
  }

  private func isChanged(_ type: ggml_type, on device: ComputeDevice) -> Bool {
    self == .auto && device.isCPUOnly && (type == GGML_TYPE_F16 || type == GGML_TYPE_BF16)
  }
}
