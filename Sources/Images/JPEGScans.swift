import Answering
import Foundation

/// A progressive JPEG may repeat its scans without end, each costing a pass over all pixels within one call that
/// cannot be stopped. Real files have about ten.
enum JPEGScans {
  static let limit = 100

  /// Counts the markers that begin a scan. Throws `Rejection(.imageUndecodable)` beyond the limit.
  static func check(_ data: Data) throws {
    let scans = data.withUnsafeBytes { bytes in
      var count = 0
      var previous: UInt8 = 0
      for byte in bytes {
        if previous == 0xFF && byte == 0xDA { count += 1 }
        previous = byte
      }
      return count
    }
    // Embedded previews and profiles hold such byte pairs by chance, one in 65,536.
    guard scans <= limit + data.count / 16_384 else {
      throw Rejection(
        .imageUndecodable, "the JPEG image has \(scans) scans, more than \(limit); save it again")
    }
  }
}
