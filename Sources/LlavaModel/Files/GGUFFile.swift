import CLlama
import Foundation

/// A GGUF file: typed metadata and a directory of tensors whose bytes are known to lie inside the file.
///
/// `gguf_get_*` asserts on a wrong type and `gguf_init` does not look at the file's size, so both are checked
/// here: a damaged file must not end the process.
final class GGUFFile {
  let path: String
  let map: MappedFile
  /// Tensors by name.
  let tensors: [String: TensorEntry]
  private let context: OpaquePointer

  struct TensorEntry {
    let name: String
    let type: ggml_type
    /// Extents, fastest first.
    let shape: [Int]
    /// Where the tensor's bytes lie in the file.
    let bytes: Range<Int>
  }

  init(path: String) throws(ModelError) {
    map = try MappedFile(path: path)
    guard let context = gguf_init_from_file(path, gguf_init_params(no_alloc: true, ctx: nil)) else {
      throw .unreadable(file: path, reason: "it is not a GGUF file, or its header is damaged")
    }
    var entries: [String: TensorEntry] = [:]
    let dataStart = gguf_get_data_offset(context)
    var failure: ModelError?
    for index in 0..<gguf_get_n_tensors(context) {
      let name = gguf_get_tensor_name(context, index).map { String(cString: $0) } ?? ""
      let (start, startOverflow) = dataStart.addingReportingOverflow(gguf_get_tensor_offset(context, index))
      let (end, endOverflow) = start.addingReportingOverflow(gguf_get_tensor_size(context, index))
      guard !startOverflow, !endOverflow, start >= 0, end >= start, end <= map.count else {
        failure = .unreadable(file: path, reason: "the tensor \(name) lies beyond its end; it is cut short")
        break
      }
      var shape = Array(
        UnsafeBufferPointer(start: gguf_get_tensor_ne(context, index), count: Int(GGML_MAX_DIMS)).map(
          Int.init))
      while shape.count > 1, shape.last == 1 { shape.removeLast() }
      entries[name] = TensorEntry(
        name: name, type: gguf_get_tensor_type(context, index), shape: shape, bytes: Int(start)..<Int(end))
    }
    if let failure {
      gguf_free(context)
      throw failure
    }
    self.path = path
    self.context = context
    tensors = entries
  }

  deinit { gguf_free(context) }

  // MARK: Metadata

  func string(_ key: String) -> String? {
    guard let id = id(key, GGUF_TYPE_STRING), let value = gguf_get_val_str(context, id) else { return nil }
    return String(cString: value)
  }

  func bool(_ key: String) -> Bool? {
    id(key, GGUF_TYPE_BOOL).map { gguf_get_val_bool(context, $0) }
  }

  func int(_ key: String) -> Int? {
    let id = gguf_find_key(context, key)
    guard id >= 0 else { return nil }
    switch gguf_get_kv_type(context, id) {
    case GGUF_TYPE_UINT8: return Int(gguf_get_val_u8(context, id))
    case GGUF_TYPE_INT8: return Int(gguf_get_val_i8(context, id))
    case GGUF_TYPE_UINT16: return Int(gguf_get_val_u16(context, id))
    case GGUF_TYPE_INT16: return Int(gguf_get_val_i16(context, id))
    case GGUF_TYPE_UINT32: return Int(gguf_get_val_u32(context, id))
    case GGUF_TYPE_INT32: return Int(gguf_get_val_i32(context, id))
    case GGUF_TYPE_UINT64: return Int(exactly: gguf_get_val_u64(context, id))
    case GGUF_TYPE_INT64: return Int(gguf_get_val_i64(context, id))
    default: return nil
    }
  }

  func float(_ key: String) -> Float? {
    let id = gguf_find_key(context, key)
    guard id >= 0 else { return nil }
    switch gguf_get_kv_type(context, id) {
    case GGUF_TYPE_FLOAT32: return gguf_get_val_f32(context, id)
    case GGUF_TYPE_FLOAT64: return Float(gguf_get_val_f64(context, id))
    default: return nil
    }
  }

  func floats(_ key: String) -> [Float]? { array(key, GGUF_TYPE_FLOAT32) }

  func ints(_ key: String) -> [Int]? {
    if let values: [Int32] = array(key, GGUF_TYPE_INT32) { return values.map(Int.init) }
    if let values: [UInt32] = array(key, GGUF_TYPE_UINT32) { return values.map(Int.init) }
    return nil
  }

  /// An array of texts, each as its bytes up to the first NUL.
  func texts(_ key: String) -> [[UInt8]]? {
    guard let id = id(key, GGUF_TYPE_ARRAY), gguf_get_arr_type(context, id) == GGUF_TYPE_STRING else {
      return nil
    }
    return (0..<gguf_get_arr_n(context, id)).map { index in
      gguf_get_arr_str(context, id, index).map {
        [UInt8](UnsafeRawBufferPointer(start: $0, count: strlen($0)))
      } ?? []
    }
  }

  /// What a norm adds to the variance: ggml ends the process where it is negative.
  func epsilon(_ key: String, default value: Float? = nil) throws(ModelError) -> Float {
    let found = try require(float(key) ?? value, key)
    guard found >= 0, found.isFinite else {
      throw .malformed(file: path, reason: "\(key) is \(found), not a small number from 0 on")
    }
    return found
  }

  func require<Value>(_ value: Value?, _ key: String) throws(ModelError) -> Value {
    guard let value else {
      throw .malformed(file: path, reason: "the key \(key) is missing or of a wrong type")
    }
    return value
  }

  private func id(_ key: String, _ type: gguf_type) -> Int64? {
    let id = gguf_find_key(context, key)
    return id >= 0 && gguf_get_kv_type(context, id) == type ? id : nil
  }

  private func array<Element>(_ key: String, _ type: gguf_type) -> [Element]? {
    guard let id = id(key, GGUF_TYPE_ARRAY), gguf_get_arr_type(context, id) == type,
      let data = gguf_get_arr_data(context, id)
    else { return nil }
    let elements = data.assumingMemoryBound(to: Element.self)
    return Array(UnsafeBufferPointer(start: elements, count: gguf_get_arr_n(context, id)))
  }
}
