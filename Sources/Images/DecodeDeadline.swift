import Answering
import CVips
import Foundation

/// Stops an image's computation when its time is up or nobody waits for it any more.
///
/// libvips calls back from its own worker threads: everything here is constant or atomic.
final class DecodeDeadline: Sendable {
  private let seconds: Double
  private let end: DispatchTime
  private let flag: CancellationFlag

  init(seconds: Double, flag: CancellationFlag) {
    self.seconds = seconds
    end = .now() + seconds
    self.flag = flag
  }

  var isOver: Bool { flag.isCancelled || DispatchTime.now() >= end }

  /// The deadline must live until the image is computed.
  func watch(_ image: UnsafeMutablePointer<VipsImage>) {
    cvips_watch(
      image,
      { image, _, context in
        guard let context, Unmanaged<DecodeDeadline>.fromOpaque(context).takeUnretainedValue().isOver else {
          return
        }
        vips_image_set_kill(image, 1)
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// Why a computation failed, if time is the reason.
  func exceeded() -> Rejection? {
    guard isOver else { return nil }
    return Rejection(
      .imageTooLarge, "the image takes more than \(seconds) s to decode; make it smaller or simpler")
  }
}
