import CLlama
import Foundation

/// Memory in pages of 2 MB, where Linux gives them to those who ask (its usual setting).
///
/// A step of one row reads every weight once, and nothing else takes as long: in pages of 4 kB a tenth of it was spent
/// on looking pages up. A graph's first run is 2 % faster with a page fault for 2 MB and not for 4 kB.
enum HugePages {
  /// Asks for them in `buffer`, if it is the CPU's; before it is written to, since pages are given at the first touch.
  static func advise(_ buffer: ggml_backend_buffer_t, on device: ComputeDevice) {
    #if os(Linux)
      guard device.isCPUOnly, let base = ggml_backend_buffer_get_base(buffer) else { return }
      let page = Int(getpagesize())
      let start = (Int(bitPattern: base) + page - 1) / page * page
      let end = (Int(bitPattern: base) + ggml_backend_buffer_get_size(buffer)) / page * page
      // A refusal leaves small pages.
      if start < end {
        madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, Int32(MADV_HUGEPAGE))
      }
    #endif
  }
}
