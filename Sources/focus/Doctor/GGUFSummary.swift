import CLlama
import Foundation

/// Keys and tensor shapes of a GGUF file; no weights are read.
final class GGUFSummary {
  struct Unreadable: Error {
    var message: String
    var todo: String
  }

  let bytes: UInt64
  private let file: OpaquePointer
  private let tensors: OpaquePointer

  /// Throws where the file is missing, no GGUF, or shorter than its tensors.
  init(path: String) throws(Unreadable) {
    // Of the file that a link leads to: model directories often hold links.
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let attributes = try? FileManager.default.attributesOfItem(atPath: target)
    guard let attributes, let bytes = (attributes[.size] as? NSNumber)?.uint64Value,
      FileManager.default.isReadableFile(atPath: path)
    else {
      throw Unreadable(
        message: "\(path): no such file, or not readable", todo: "check the path and permissions")
    }
    var tensors: OpaquePointer?
    let file = withUnsafeMutablePointer(to: &tensors) { tensors in
      gguf_init_from_file(path, gguf_init_params(no_alloc: true, ctx: tensors))
    }
    guard let file else {
      throw Unreadable(
        message: "\(path): not a GGUF file, or damaged", todo: "download or convert it again")
    }
    guard let tensors else {
      gguf_free(file)
      throw Unreadable(message: "\(path): no tensor list", todo: "download or convert it again")
    }
    self.bytes = bytes
    self.file = file
    self.tensors = tensors
    let end = (0..<gguf_get_n_tensors(file)).map { index in
      // Sizes are C's, which Swift takes for signed.
      let places = [
        gguf_get_data_offset(file), gguf_get_tensor_offset(file, index), gguf_get_tensor_size(file, index),
      ].map { UInt64(UInt(bitPattern: $0)) }
      return places.contains { $0 > bytes } ? UInt64.max : places.reduce(0, +)
    }.max()
    if let end, end > bytes {
      throw Unreadable(
        message: end == .max
          ? "\(path): damaged, a tensor lies beyond its \(bytes) bytes"
          : "\(path): truncated, \(bytes) bytes where its tensors need \(end)", todo: "download it again"
      )
    }
  }

  deinit {
    gguf_free(file)
    ggml_free(tensors)
  }

  var tensorCount: Int64 { gguf_get_n_tensors(file) }

  /// A text value; nil where the key is missing or of another type (asking for the wrong one would abort).
  func string(_ key: String) -> String? {
    let id = gguf_find_key(file, key)
    guard id >= 0, gguf_get_kv_type(file, id) == GGUF_TYPE_STRING else { return nil }
    return gguf_get_val_str(file, id).map { String(cString: $0) }
  }

  /// A 32-bit whole number; nil where the key is missing or of another type.
  func number(_ key: String) -> Int64? {
    let id = gguf_find_key(file, key)
    guard id >= 0 else { return nil }
    switch gguf_get_kv_type(file, id) {
    case GGUF_TYPE_UINT32: return Int64(gguf_get_val_u32(file, id))
    case GGUF_TYPE_INT32: return Int64(gguf_get_val_i32(file, id))
    default: return nil
    }
  }

  /// Rows of a weight matrix, so the width of what it makes; nil where there is none of that name.
  func rows(of tensor: String) -> Int64? {
    ggml_get_tensor(tensors, tensor).map { $0.pointee.ne.1 }
  }
}
