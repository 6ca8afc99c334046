import Answering
import Foundation

/// Format `vqav2`: one array with `{"question_id", "answer"}` for each question.
///
/// The evaluation wants every id once, so a question without an answer has an empty one, with its error beside.
/// A refused question has none: it is refused again by each run.
struct VQARecords: ResultLines {
  var isArray: Bool { true }

  func records(for outcome: JobOutcome) -> [OrderedJSON] {
    switch outcome {
    case .answered(let results, _, _):
      results.map { record(id: $0.questionID, $0.outcome) }
    case .rejected(let letter, let delivery):
      if case .success(let job) = delivery.content {
        job.questions.map { record(id: $0.id, .failure(letter.rejection)) }
      } else {
        []
      }
    }
  }

  func entry(of line: Data) throws(Rejection) -> DoneEntry {
    let root = try JSONFields(JSONValue(parsing: line))
    guard let id = root["question_id"]?.idAsJSON else { throw root.bad("question_id", mustBe: "an id") }
    return DoneEntry(key: .question(id, text: "", occurrence: 0), isFailure: root["error"] != nil)
  }

  private func record(id: String, _ outcome: Result<Answer, Rejection>) -> OrderedJSON {
    let questionID = (try? JSONValue(parsing: Data(id.utf8))) ?? .string(id)
    switch outcome {
    case .success(let answer):
      return ["question_id": OrderedJSON(questionID), "answer": .string(answer.text)]
    case .failure(let rejection):
      return [
        "question_id": OrderedJSON(questionID),
        "answer": .string(""),
        "error": ["code": .string(rejection.reason.rawValue), "message": .string(rejection.message)],
      ]
    }
  }
}
