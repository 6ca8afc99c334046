/// Why a run over files cannot start or go on. Each says which file it is about and what to do.
public enum FileJobsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// `reason` is the system's own text, as in "No space left on device".
  case cannotOpen(path: String, reason: String)
  case cannotRead(path: String, reason: String)
  /// The input is an image, or something else that holds no lines.
  case notJobs(path: String, advice: String)
  /// What was written before stays; the run can be resumed.
  case cannotWrite(path: String, reason: String)
  /// Another run writes to the same output.
  case inUse(path: String)
  /// The output was begun with other weights or settings.
  case otherSettings(path: String, differences: [RunManifest.Difference])
  /// The output holds something that no run has written.
  case foreignOutput(path: String, reason: String)
  /// A line of the output, counted from 1, is none that a run writes.
  case damagedOutput(path: String, line: Int, reason: String)
  /// The vqav2 format names no image files; a template must.
  case noImageTemplate(reason: String)
  case noImages(path: String)
  /// A dataset's question of which nothing says what is right.
  case noReference(path: String, question: String, annotations: String?)
  case outputIsInput(path: String)
  /// The reading task was cancelled while it waited.
  case interrupted(path: String)

  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason): "cannot open \(path): \(reason)"
    case .cannotRead(let path, let reason): "cannot read \(path): \(reason)"
    case .notJobs(let path, let advice): "\(path) \(advice)"
    case .cannotWrite(let path, let reason):
      "cannot write \(path): \(reason); what was written is kept, start again (without --overwrite) to continue"
    case .inUse(let path):
      "\(path) is being written by another run; wait for it, or choose another --output or folder"
    case .otherSettings(let path, let differences):
      "\(path) was begun differently: \(differences.map(\.description).joined(separator: "; ")). "
        + "Go back to those settings, choose another --output, or start afresh with --overwrite"
    case .foreignOutput(let path, let reason):
      "\(path) \(reason); choose another --output, or replace it with --overwrite"
    case .damagedOutput(let path, let line, let reason):
      "\(path), line \(line) is not a line that a run writes (\(reason)); "
        + "remove the line, choose another --output, or start afresh with --overwrite"
    case .noImageTemplate(let reason):
      "the vqav2 format needs --image-template, as in COCO_val2014_{image_id:012}.jpg: \(reason)"
    case .noReference(let path, let question, nil):
      "\(path): question \(question) has no reference answer; give them with --annotations, or in the file's "
        + "metadata.answers (jobs), label, answer or answers (lines)"
    case .noReference(let path, let question, let annotations?):
      "\(path): \(annotations) has no reference answer to question \(question)"
    case .outputIsInput(let path): "\(path) is both input and output; choose another --output"
    case .interrupted(let path): "reading \(path) was interrupted; start again to continue"
    case .noImages(let path):
      "\(path) holds no images (\(ImageFolder.extensions.sorted().joined(separator: ", ")))"
    }
  }

  /// Whether starting again with the same arguments can help.
  public var isRetryable: Bool {
    switch self {
    case .cannotOpen, .cannotRead, .cannotWrite, .inUse, .interrupted: true
    case .noReference, .notJobs, .otherSettings, .foreignOutput, .damagedOutput, .noImageTemplate, .noImages,
      .outputIsInput:
      false
    }
  }
}
