import ArgumentParser
import Evaluation
import FileJobs
import Foundation

/// Which questions are asked, and how their answers are scored.
struct DatasetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "File with questions: jobs (references in metadata.answers), llava or POPE lines, VQA v2, TextVQA or GQA.",
      valueName: "file"))
  var dataset: String?

  @Option(help: "Format of the dataset. (default: guessed)")
  var datasetFormat: Dataset.Format?

  @Option(
    help: ArgumentHelp(
      "File with references: VQA v2's annotations, TextVQA's or GQA's document, or lines with question_id and answer, "
        + "answers or label. (default: those in the dataset)", valueName: "file"))
  var annotations: String?

  @Option(
    help: ArgumentHelp(
      "File name of an image by its id, as in COCO_val2014_{image_id:012}.jpg. (default for textvqa and gqa: "
        + "{image_id}.jpg)", valueName: "template"))
  var imageTemplate: String?

  @Option(
    help: ArgumentHelp(
      "Text put after each question, as in “Answer the question using a single word or phrase.”; \\n is a line's end.",
      valueName: "text"))
  var questionSuffix: String?

  @Option(
    help:
      "How answers are scored: exact, vqa, textvqa or yes-no. (default: as the dataset's makers do, else exact)"
  )
  var metric: Metric?

  /// Where relative paths of images are when `--image-root` names no other place.
  var folder: String? { dataset.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path } }

  /// Throws `Failure` where none is given. The parser does not: it may stand in the environment or a file.
  func file() throws -> String {
    guard let dataset else { throw Failure.unusable("no dataset given: add --dataset FILE") }
    return dataset
  }

  var suffix: String { (questionSuffix ?? "").replacing("\\n", with: "\n") }

  func metric(for dataset: Dataset) -> Metric {
    if let metric { return metric }
    switch dataset.references {
    case .answers: return .exact
    case .vqa: return .vqa
    case .textVQA: return .textVQA
    case .labels: return .yesNo
    }
  }
}

extension Dataset.Format: ExpressibleByArgument {}
extension Metric: ExpressibleByArgument {}
