import Answering
import Images

/// The image source that the options allow. Throws `Failure` where they make no sense.
///
/// - Parameter defaultRoot: the image root where none is given.
func makeImageSource(_ options: ImageOptions, defaultRoot: String? = nil) throws -> ImageLoader {
  try options.check()
  var limits = ImageLimits()
  limits.maxPixels = options.maxPixels
  do {
    let access = try ImageAccess(
      imageRoot: options.imageRoot ?? defaultRoot, allowHosts: options.allowHost,
      s3Endpoint: options.s3Endpoint)
    return ImageLoader(access: access, limits: limits)
  } catch {
    throw Failure.unusable("\(error)")
  }
}
