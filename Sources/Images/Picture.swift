import Answering
import CVips

/// A libvips image: pixels, or the recipe to compute them. Owns one reference.
final class Picture {
  private let image: UnsafeMutablePointer<VipsImage>

  /// Takes over the reference that libvips returned; throws the rejection when there is none.
  init(_ image: UnsafeMutablePointer<VipsImage>?, orThrow rejection: @autoclosure () -> Rejection) throws {
    guard let image else {
      // The error text is shared by all threads, so it may speak of another image: it is dropped.
      vips_error_clear()
      throw rejection()
    }
    self.image = image
  }

  deinit {
    g_object_unref(image)
  }

  var width: Int { Int(vips_image_get_width(image)) }
  var height: Int { Int(vips_image_get_height(image)) }
  var bands: Int { Int(vips_image_get_bands(image)) }
  var isBytes: Bool { vips_image_get_format(image) == VIPS_FORMAT_UCHAR }
  var isComplex: Bool { vips_band_format_iscomplex(vips_image_get_format(image)) != 0 }
  var hasAlpha: Bool { vips_image_hasalpha(image) != 0 }
  var hasProfile: Bool { cvips_has_profile(image) != 0 }

  /// A new image made from this one.
  func then(
    orThrow rejection: @autoclosure () -> Rejection,
    _ operation: (UnsafeMutablePointer<VipsImage>) -> UnsafeMutablePointer<VipsImage>?
  ) throws -> Picture {
    try Picture(operation(image), orThrow: rejection())
  }

  /// Computes every pixel now, and keeps them.
  func computed(_ deadline: DecodeDeadline, orThrow rejection: Rejection) throws -> Picture {
    try withExtendedLifetime(deadline) {
      deadline.watch(image)
      return try Picture(vips_image_copy_memory(image), orThrow: deadline.exceeded() ?? rejection)
    }
  }

  /// Computes every pixel and returns `[row, column, band]`.
  func pixels(_ deadline: DecodeDeadline, orThrow rejection: Rejection) throws -> [UInt8] {
    try withExtendedLifetime(deadline) {
      deadline.watch(image)
      var count = 0
      guard let memory = vips_image_write_to_memory(image, &count) else {
        vips_error_clear()
        throw deadline.exceeded() ?? rejection
      }
      defer { g_free(memory) }
      return [UInt8](UnsafeRawBufferPointer(start: memory, count: count))
    }
  }
}
