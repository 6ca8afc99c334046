import Answering
import CVips
import Foundation
import TokenSampling

/// Decodes an encoded image to 8-bit sRGB: first frame or page, embedded profile applied, CMYK and 16 bits
/// converted, transparency over white, grey as RGB, upright as EXIF says.
struct ImageDecoder {
  let limits: ImageLimits
  let deadline: DecodeDeadline

  /// Lends the decoded image, three bytes a pixel, to the closure. Throws `Rejection` with an `image_…` code.
  func withImage<Value>(_ data: Data, _ body: (Picture) throws -> Value) throws -> Value {
    guard VipsLibrary.isReady else {
      throw Rejection(.internal, "libvips cannot be started; run focus doctor")
    }
    guard !data.isEmpty else { throw Rejection(.imageUndecodable, "the image has no bytes; store it again") }
    guard let format = ImageFormat(firstBytesOf: data) else {
      throw Rejection(
        .imageUnsupported,
        "the image is no JPEG, PNG, WebP, GIF, TIFF or HEIF file, whatever its name says; convert it to one")
    }
    if format == .jpeg { try JPEGScans.check(data) }
    let data = format == .png ? PNGTexts.removed(from: data) : data
    return try data.withUnsafeBytes { bytes in
      let damaged = Rejection(
        .imageUndecodable, "the \(format.rawValue) image is truncated or damaged; store or export it again")
      let loaded = try Picture(cvips_load(bytes.baseAddress, bytes.count), orThrow: damaged)
      try checkHeader(loaded, format)
      let colour = Rejection(
        .imageUnsupported, "the \(format.rawValue) image's colours cannot be converted; save it as 8-bit RGB")
      // Rows are read once, top to bottom; what follows needs them in any order.
      let decoded = try toSRGB(loaded, colour).computed(deadline, orThrow: damaged)
      return try body(try decoded.then(orThrow: damaged) { cvips_upright($0) })
    }
  }

  private func checkHeader(_ image: Picture, _ format: ImageFormat) throws {
    let (width, height) = (image.width, image.height)
    let size = "the \(format.rawValue) image has \(width)×\(height) pixels"
    guard width <= limits.maxPixels / height else {
      throw Rejection(
        .imageTooLarge, "\(size), more than \(limits.maxPixels); make it smaller or raise --max-pixels")
    }
    guard max(width, height) <= ImageLimits.maxSide else {
      throw Rejection(.imageTooLarge, "\(size), a side longer than \(ImageLimits.maxSide); cut it into parts")
    }
    // Grey, RGB or CMYK, each with or without alpha.
    guard image.bands <= 5, !image.isComplex else {
      throw Rejection(.imageUnsupported, "\(size) of \(image.bands) channels; save it as RGB")
    }
  }

  private func toSRGB(_ loaded: Picture, _ rejection: Rejection) throws -> Picture {
    var image = loaded
    // A profile that cannot be used, or is none, is passed over as if it were absent.
    if image.hasProfile, let converted = try? image.then(orThrow: rejection, { cvips_apply_profile($0) }) {
      image = converted
    }
    image = try image.then(orThrow: rejection) { cvips_to_srgb($0) }
    if !image.isBytes { image = try image.then(orThrow: rejection) { cvips_to_bytes($0) } }
    if image.hasAlpha { image = try image.then(orThrow: rejection) { cvips_over_white($0) } }
    if image.bands > 3 { image = try image.then(orThrow: rejection) { cvips_first_bands($0, 3) } }
    guard image.bands == 3 else { throw rejection }
    return image.isBytes ? image : try image.then(orThrow: rejection) { cvips_to_bytes($0) }
  }
}
