import Answering
import Images

/// The image source that the options allow. Throws `Failure` where they make no sense.
///
/// - Parameters:
///   - folder: the image root, whatever the options say: the folder that the jobs are made of.
///   - defaultRoot: the image root where the options name none.
func makeImageSource(
  _ options: ImageOptions, folder: String? = nil, defaultRoot: String? = nil
) throws -> ImageLoader {
  try options.check()
  var limits = ImageLimits()
  limits.maxPixels = options.maxPixels
  do {
    let access = try ImageAccess(
      imageRoot: folder ?? options.imageRoot ?? defaultRoot, allowHosts: options.allowHost,
      s3Endpoint: options.s3Endpoint)
    return ImageLoader(access: access, limits: limits)
  } catch {
    throw Failure.unusable("\(error)")
  }
}
