import Answering
import Foundation

/// An image that the command line names: a URL, or a file, which no image root confines as the user named it.
/// Throws `Failure`.
func imageReference(named image: String) throws -> ImageReference {
  if image.contains("://") { return .uri(image) }
  do {
    return .data(try Data(contentsOf: URL(fileURLWithPath: image)))
  } catch {
    throw Failure.unusable("\(image): \(unreadable(image))")
  }
}

/// Throws `Failure` where a question is longer than jobs may ask. `number` counts from 1 where there are several.
func checkLength(ofQuestion text: String, number: Int? = nil) throws {
  guard (1...16_384).contains(text.count) else {
    let which = number.map { " \($0)" } ?? ""
    throw Failure.unusable("question\(which) has \(text.count) characters: 1 to 16384 are allowed")
  }
}
