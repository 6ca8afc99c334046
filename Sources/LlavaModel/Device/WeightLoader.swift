import CLlama
import Foundation

/// Places a file's tensors on the device: mapped from the file where nothing changes, else converted once.
///
/// Two steps: declare every tensor the model uses, then `load`.
final class WeightLoader {
  enum Use {
    /// Left operand of a matrix product, `[in, out]`.
    case matrix
    /// Rows looked up by index; stays with the CPU, as every type can be looked up there.
    case table
    /// Norms, biases, positions: read as F32.
    case vector
  }

  private let file: GGUFFile
  private let device: ComputeDevice
  /// Maps a matrix's type in the file to the one computed with.
  private let matrixType: (ggml_type) -> ggml_type
  /// Whether Q4_K matrices are kept interleaved, and not mapped.
  private let repacks: Bool
  private var contexts: [ggml_backend_buffer_type_t?: OpaquePointer] = [:]
  private var declared: [(tensor: Tensor, entry: GGUFFile.TensorEntry, buffer: ggml_backend_buffer_type_t?)] =
    []

  init(
    file: GGUFFile, device: ComputeDevice, repacks: Bool = false,
    matrixType: @escaping (ggml_type) -> ggml_type = { $0 }
  ) {
    self.file = file
    self.device = device
    self.repacks = repacks
    self.matrixType = matrixType
  }

  deinit { for context in contexts.values { ggml_free(context) } }

  /// Declares the tensor `name` of exactly `shape`.
  func tensor(_ name: String, _ shape: [Int], _ use: Use) throws(ModelError) -> Tensor {
    guard let tensor = try optional(name, shape, use) else {
      throw .malformed(file: file.path, reason: "the tensor \(name) is missing")
    }
    return tensor
  }

  func optional(_ name: String, _ shape: [Int], _ use: Use) throws(ModelError) -> Tensor? {
    guard let entry = file.tensors[name] else { return nil }
    guard Self.canonical(entry.shape) == Self.canonical(shape) else {
      throw .malformed(file: file.path, reason: "the tensor \(name) has shape \(entry.shape), not \(shape)")
    }
    guard WeightConversion.reads(entry.type) else {
      let type = String(cString: ggml_type_name(entry.type))
      throw .unsupported(
        file: file.path, reason: "the tensor \(name) is of the type \(type), which is none of weights")
    }
    let type =
      switch use {
      case .matrix: matrixType(entry.type)
      case .table: entry.type
      case .vector: GGML_TYPE_F32
      }
    let buffer = bufferType(for: entry, as: type, use)
    guard let context = context(for: buffer),
      let tensor = ggml_new_tensor(context, type, Int32(shape.count), shape.map(Int64.init))
    else { throw .device("no memory for the directory of weights") }
    ggml_set_name(tensor, entry.name)
    declared.append((tensor, entry, buffer))
    return tensor
  }

  /// Maps, copies or converts every declared tensor. The loader is spent afterwards.
  func load() throws(ModelError) -> Weights {
    let placed = contexts
    let weights = Weights(map: file.map, contexts: Array(placed.values))
    contexts = [:]
    if placed[nil] != nil {
      guard
        let buffer = ggml_backend_dev_buffer_from_host_ptr(
          device.device, file.map.base, file.map.count, file.map.count)
      else { throw .device("\(device.name) refused the mapped file \(file.path)") }
      weights.buffers.append(buffer)
      for weight in declared where weight.buffer == nil {
        guard
          ggml_backend_tensor_alloc(buffer, weight.tensor, file.map.base + weight.entry.bytes.lowerBound)
            == GGML_STATUS_SUCCESS
        else { throw .device("\(device.name) refused the tensor \(weight.entry.name)") }
      }
    }
    for case (let type?, let context) in placed {
      guard let buffer = ggml_backend_alloc_ctx_tensors_from_buft(context, type) else {
        throw .device("\(device.name) has too little memory for the weights of \(file.path)")
      }
      ggml_backend_buffer_set_usage(buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS)
      HugePages.advise(buffer, on: device)
      weights.buffers.append(buffer)
    }
    convert()
    return weights
  }

  /// Fills the tensors that are not used in place, several at once: for a large model this is most of its loading.
  private func convert() {
    let map = file.map
    // Each tensor is touched by one iteration alone.
    nonisolated(unsafe) let converted = declared.filter { $0.buffer != nil }
    let fill: @Sendable (Int) -> Void = { index in
      let (tensor, entry, _) = converted[index]
      WeightConversion.copy(map.bytes(entry.bytes), entry.type, to: tensor)
      map.release(entry.bytes)
    }
    if device.isCPUOnly {
      DispatchQueue.concurrentPerform(iterations: converted.count, execute: fill)
    } else {
      converted.indices.forEach(fill)
    }
  }

  /// nil where the tensor is used in place in the mapped file.
  private func bufferType(
    for entry: GGUFFile.TensorEntry, as type: ggml_type, _ use: Use
  ) -> ggml_backend_buffer_type_t? {
    if use == .matrix, repacks || type != GGML_TYPE_Q4_K,
      let repacked = RepackedBuffer.find(for: entry, type, on: device)
    {
      return repacked
    }
    let home = use == .table ? device.cpu : device.device
    var properties = ggml_backend_dev_props()
    ggml_backend_dev_get_props(home, &properties)
    let plain = ggml_backend_dev_buffer_type(home)
    let aligned = entry.bytes.lowerBound % ggml_backend_buft_get_alignment(plain) == 0
    let inPlace =
      properties.caps.buffer_from_host_ptr && home == device.device && aligned && type == entry.type
    return inPlace ? nil : plain
  }

  private func context(for buffer: ggml_backend_buffer_type_t?) -> OpaquePointer? {
    if let context = contexts[buffer] { return context }
    let context = ggml_init(
      ggml_init_params(mem_size: ggml_tensor_overhead() * 8192, mem_buffer: nil, no_alloc: true))
    contexts[buffer] = context
    return context
  }

  private static func canonical(_ shape: [Int]) -> [Int] {
    var shape = shape
    while shape.count > 1, shape.last == 1 { shape.removeLast() }
    return shape
  }
}

/// Weights in place, with all that must live as long as they are used.
final class Weights {
  let map: MappedFile
  let contexts: [OpaquePointer]
  var buffers: [ggml_backend_buffer_t] = []

  init(map: MappedFile, contexts: [OpaquePointer]) {
    self.map = map
    self.contexts = contexts
  }

  deinit {
    for buffer in buffers { ggml_backend_buffer_free(buffer) }
    for context in contexts { ggml_free(context) }
  }
}
