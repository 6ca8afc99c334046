import CVips
import Synchronization

/// libvips, started once for the process and narrowed to what images of strangers need.
enum VipsLibrary {
  /// False when libvips cannot be started.
  static let isReady: Bool = {
    guard cvips_init() == 0 else { return false }
    cvips_silence_warnings()
    vips_block_untrusted_set(1)
    vips_operation_block_set("VipsForeignLoad", 1)
    for loader in ["Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Heif"] {
      vips_operation_block_set("VipsForeignLoad" + loader, 0)
    }
    // Images are decoded side by side, one core each.
    vips_concurrency_set(1)
    // The cache knows buffers by address, and addresses are used again.
    vips_cache_set_max(0)
    hasStarted.store(true, ordering: .releasing)
    return true
  }()

  private static let hasStarted = Atomic(false)

  /// Frees what libvips keeps for the calling thread, which is about to end. Starts nothing: where no image was decoded,
  /// the process may be about to end as well.
  static func endThread() {
    if hasStarted.load(ordering: .acquiring) { vips_thread_shutdown() }
  }
}
