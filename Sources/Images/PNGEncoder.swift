import Answering
import CVips
import Foundation

/// Writes pictures as PNG files.
enum PNGEncoder {
  /// Throws `Rejection` where libvips cannot.
  static func encode(_ raster: Raster) throws -> Data {
    let failed = Rejection(.internal, "libvips cannot write PNG; run focus doctor")
    guard VipsLibrary.isReady else { throw failed }
    return try raster.pixels.withUnsafeBytes { pixels in
      var length = 0
      let file = cvips_png(
        pixels.baseAddress, Int32(raster.size.width), Int32(raster.size.height), &length)
      guard let file else {
        vips_error_clear()
        throw failed
      }
      defer { g_free(file) }
      return Data(bytes: file, count: length)
    }
  }
}
