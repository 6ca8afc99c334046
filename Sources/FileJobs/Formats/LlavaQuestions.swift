import Answering
import Foundation

/// Format `llava`: question lines as of LLaVA's `model_vqa_loader.py`, `{"question_id", "image", "text",
/// "category"?}`.
///
/// A `question_id` may come again with another text, and with the same: each line has its answer. Further fields
/// are ignored, as LLaVA does. The question's id in the job is its progress key and the `question_id` as JSON.
struct LlavaQuestions: QuestionLines {
  let limits: JobLimits
  /// The lines have none of their own.
  let defaults: GenerationParameters
  private var occurrences: SeenKeys

  init(limits: JobLimits, defaults: GenerationParameters, seen: SeenKeys = SeenKeys()) {
    self.limits = limits
    self.defaults = defaults
    occurrences = seen
  }

  mutating func question(on line: Line) throws(Rejection) -> LineQuestion {
    guard line.isWhole else { throw line.tooLong(limits) }
    let root = try JSONFields(JSONValue(parsing: line.bytes))
    guard let id = root["question_id"]?.idAsJSON else {
      throw root.bad("question_id", mustBe: "an integer, or text of 1–256 characters")
    }
    guard let image = try root.text("image", length: 1...8192), !image.utf8.contains(0) else {
      throw root.bad("image", mustBe: "a path or URL")
    }
    guard let text = try root.text("text", length: Job.textLength) else {
      throw root.bad("text", mustBe: "text of 1–16384 characters")
    }
    let occurrence = occurrences[.question(id, text: text, occurrence: 0)] ?? 0
    occurrences[.question(id, text: text, occurrence: 0)] = occurrence + 1
    let key = ProgressKey.question(id, text: text, occurrence: occurrence)
    let question = Question(id: LlavaQuestionID(key: key, id: id).text, text: text, parameters: defaults)
    return LineQuestion(question: question, image: .uri(image), key: key)
  }

  func readableID(in line: Data) -> String? {
    JSONValue.readableFields(of: line).first { $0.name == "question_id" }.flatMap(\.value.idAsJSON)
  }
}

/// A question's id within its job: the progress key, a colon, and the `question_id` as JSON.
struct LlavaQuestionID {
  var key: ProgressKey
  var id: String

  var text: String { "\(key.text):\(id)" }

  init(key: ProgressKey, id: String) {
    self.key = key
    self.id = id
  }

  init?(text: String) {
    let parts = text.split(separator: ":", maxSplits: 1)
    guard parts.count == 2, let key = ProgressKey(text: String(parts[0])) else { return nil }
    self.init(key: key, id: String(parts[1]))
  }
}
