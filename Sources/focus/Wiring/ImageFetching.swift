import Answering
import Images

/// The image source that the options allow. Throws `Failure` where they make no sense.
///
/// - Parameter folder: the directory that relative paths are in when no image root is named.
func makeImageSource(_ options: ImageOptions, folder: String? = nil) throws -> any ImageSource {
  try options.check()
  var limits = ImageLimits()
  limits.maxPixels = options.maxPixels
  do {
    let access = try ImageAccess(
      imageRoot: options.imageRoot ?? folder, allowHosts: options.allowHost, s3Endpoint: options.s3Endpoint)
    return ImageLoader(access: access, limits: limits)
  } catch let error as InvalidImageAccess {
    throw Failure.unusable("\(error)")
  }
}
