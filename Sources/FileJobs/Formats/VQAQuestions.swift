import Answering
import Foundation

/// Format `vqav2`: `{"question_id", "image_id", "question"}`, further fields ignored. The question's id in the job
/// is its `question_id` as JSON; a repeated one is refused.
struct VQAQuestions: QuestionLines {
  let template: ImageTemplate
  /// The questions have none of their own.
  let defaults: GenerationParameters
  private var firstPlaces = SeenKeys()

  init(template: ImageTemplate, defaults: GenerationParameters) {
    self.template = template
    self.defaults = defaults
  }

  mutating func question(on line: Line) throws(Rejection) -> LineQuestion {
    let root = try JSONFields(JSONValue(parsing: line.bytes))
    guard let id = root["question_id"]?.idAsJSON else {
      throw root.bad("question_id", mustBe: "an integer, or text of 1–256 characters")
    }
    guard let imageID = root["image_id"]?.plainID, !imageID.utf8.contains(0) else {
      throw root.bad("image_id", mustBe: "an integer, or text of 1–256 characters")
    }
    guard let text = try root.text("question", length: Job.textLength) else {
      throw root.bad("question", mustBe: "text of 1–16384 characters")
    }
    let key = ProgressKey.question(id, text: "", occurrence: 0)
    if let first = firstPlaces[key] {
      throw Rejection(.schemaViolation, "question_id \(id) is already that of question \(first)")
    }
    firstPlaces[key] = line.number
    return LineQuestion(
      question: Question(id: id, text: text, parameters: defaults),
      image: .uri(template.path(of: imageID)), key: key)
  }

  /// None: its record could stand beside that of the same id.
  func readableID(in line: Data) -> String? { nil }
}

extension JSONValue {
  /// An integer or short text, as JSON.
  var idAsJSON: String? { plainID == nil ? nil : OrderedJSON(self).text }

  /// An integer or short text.
  var plainID: String? {
    switch self {
    case .integer(let id): String(id)
    case .string(let id) where Job.idLength.contains(id.unicodeScalars.count): id
    default: nil
    }
  }
}
