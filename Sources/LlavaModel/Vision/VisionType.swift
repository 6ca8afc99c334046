import CLlama

/// `--vision-type`: the element type the vision tower's products run in.
public enum VisionType: String, Sendable, CaseIterable {
  /// The fastest type on this machine that loses nothing that matters: F16 becomes BF16 on CPUs that multiply
  /// BF16 directly, and F16 and BF16 become F32 on those that don't.
  case auto
  /// As the file holds them.
  case file

  func mapping(on device: ComputeDevice) -> (ggml_type) -> ggml_type {
    guard self == .auto, device.isCPUOnly else { return { $0 } }
    let fast = device.multipliesBF16 ? GGML_TYPE_BF16 : GGML_TYPE_F32
    return { type in
      type == GGML_TYPE_F16 || type == GGML_TYPE_BF16 ? fast : type
    }
  }
}
