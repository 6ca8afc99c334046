import Answering
import Foundation

/// Text files beside images: `pets/cat.txt` for `pets/cat.jpg`, one answer a line.
struct Sidecars: Sendable {
  let folder: String
  /// Without its dot.
  let pathExtension: String
  /// Whether files from before this run are replaced; else they are kept, whoever wrote them.
  let overwrite: Bool

  func path(for image: String) -> String {
    URL(filePath: folder).appending(path: image).deletingPathExtension().appendingPathExtension(pathExtension)
      .path
  }

  func isKept(at path: String) -> Bool {
    !overwrite && FileManager.default.fileExists(atPath: path)
  }

  /// Writes the file, whole or not at all. A job with an error has none.
  func write(_ outcome: JobOutcome) throws(FileJobsError) {
    guard case .answered(let results, let job, _) = outcome else { return }
    let answers = results.compactMap { try? $0.outcome.get().text }
    let path = path(for: job.id)
    // A job whose answers are only in part from this run has its file from before, or never will.
    guard answers.count == results.count, job.answeredEarlier == 0, !isKept(at: path) else { return }
    do {
      // Of several questions each has its line, whatever its answer holds.
      let lines =
        answers.count == 1
        ? answers : answers.map { $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
      let text = lines.map { $0 + "\n" }.joined()
      try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw .cannotWrite(path: path, reason: error.localizedDescription)
    }
  }
}
