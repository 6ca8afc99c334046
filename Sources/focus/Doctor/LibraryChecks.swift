import CCurl
import CLlama
import CVips

/// The C libraries this program stands on.
enum LibraryChecks {
  static func all(device: Device) -> [Check] {
    [
      Check("ggml", look: ggml), Check("device") { computeDevice(device) },
      Check("libvips", look: vips), Check("libcurl", look: curl),
    ]
  }

  @Sendable private static func ggml() -> Finding {
    let version = string(ggml_version()) ?? "unknown version"
    // Backends that are libraries of their own are only there once they are loaded.
    if ggml_backend_dev_count() == 0 { ggml_backend_load_all() }
    guard let cpu = ggml_backend_reg_by_name("CPU") else {
      return .failure(
        "version \(version) has no CPU backend",
        todo: "rebuild it with script/bootstrap, or set GGML_BACKEND_PATH to the backend's library")
    }
    return .fine("version \(version), CPU features: \(features(of: cpu).joined(separator: " "))")
  }

  /// What the CPU backend was built for and found here.
  private static func features(of backend: ggml_backend_reg_t) -> [String] {
    guard let address = ggml_backend_reg_get_proc_address(backend, "ggml_backend_get_features") else {
      return ["unknown"]
    }
    typealias GetFeatures =
      @convention(c) (ggml_backend_reg_t?) -> UnsafeMutablePointer<ggml_backend_feature>?
    guard var feature = unsafeBitCast(address, to: GetFeatures.self)(backend) else { return ["unknown"] }
    var names: [String] = []
    // The list ends with an entry without a name.
    while let name = string(feature.pointee.name) {
      if string(feature.pointee.value) != "0" { names.append(name) }
      feature += 1
    }
    return names
  }

  private static func computeDevice(_ wanted: Device) -> Finding {
    var gpus: [String] = []
    for index in 0..<ggml_backend_dev_count() {
      guard let device = ggml_backend_dev_get(index) else { continue }
      let type = ggml_backend_dev_type(device)
      guard type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU else { continue }
      gpus.append(string(ggml_backend_dev_description(device)) ?? "unnamed GPU")
    }
    if wanted == .gpu, gpus.isEmpty {
      return .failure(
        "--device gpu, but ggml knows no GPU here",
        todo: "use --device auto, or build ggml with its CUDA, Vulkan or Metal backend")
    }
    return .fine(wanted == .cpu || gpus.isEmpty ? "CPU" : gpus.joined(separator: ", "))
  }

  @Sendable private static func vips() -> Finding {
    guard vips_init("focus") == 0 else {
      return .failure("cannot be started", todo: "install it again: apt install libvips42 libvips-dev")
    }
    let version = string(vips_version_string()) ?? "unknown version"
    func has(_ loader: String) -> Bool { vips_type_find("VipsForeignLoad", loader + "load") != 0 }
    let missing = ["jpeg", "png", "webp"].filter { !has($0) }
    guard missing.isEmpty else {
      return .failure(
        "version \(version) cannot read \(missing.joined(separator: ", "))",
        todo: "install a libvips built with those loaders")
    }
    let loaders = ["jpeg", "png", "webp", "gif", "tiff", "heif"].filter(has)
    return .fine("version \(version), reads \(loaders.joined(separator: ", "))")
  }

  @Sendable private static func curl() -> Finding {
    guard let info = curl_version_info(CURLVERSION_FIRST) else {
      return .failure("tells no version", todo: "install it again: apt install libcurl4")
    }
    let version = string(info.pointee.version) ?? "unknown version"
    guard let tls = string(info.pointee.ssl_version) else {
      return .failure(
        "version \(version) is built without TLS, so https: images cannot be fetched",
        todo: "install a libcurl with TLS: apt install libcurl4")
    }
    return .fine("version \(version), \(tls)")
  }

  private static func string(_ pointer: UnsafePointer<CChar>?) -> String? {
    pointer.map { String(cString: $0) }
  }
}
