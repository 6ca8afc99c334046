import Answering
import Foundation

/// Makes an image's path from its number, as in `val2014/COCO_val2014_{image_id:012}.jpg`.
struct ImageTemplate: Sendable, Equatable {
  static let plain = ImageTemplate(before: "", width: 0, after: "")

  private let before: String
  /// Numbers are filled up with zeros to so many digits.
  private let width: Int
  private let after: String

  private init(before: String, width: Int, after: String) {
    self.before = before
    self.width = width
    self.after = after
  }

  /// Takes `{image_id}`, or `{image_id:012}` and Python's `{image_id:012d}` for leading zeros.
  init(_ template: String?) throws(FileJobsError) {
    guard let template else { throw .noImageTemplate(reason: "it is missing") }
    guard let match = template.firstMatch(of: /\{image_id(?::0([0-9]{1,2})d?)?\}/) else {
      throw .noImageTemplate(reason: "\(template) has no {image_id}")
    }
    before = String(template[..<match.range.lowerBound])
    width = match.1.flatMap { Int($0) } ?? 0
    after = String(template[match.range.upperBound...])
  }

  func path(of id: String) -> String {
    before + String(repeating: "0", count: max(0, width - id.count)) + id + after
  }
}
