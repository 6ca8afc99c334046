import Answering
import Foundation

/// Format `llava`: answer lines as of LLaVA's `model_vqa_loader.py`.
///
/// `answer_id` is the question's progress key, so that a resumed run knows it again. A question without an answer
/// has an empty `text` and its error in `metadata`.
struct LlavaRecords: ResultLines {
  let modelName: String

  func records(for outcome: JobOutcome) -> [OrderedJSON] {
    switch outcome {
    case .answered(let results, let job, _):
      let prompts = Dictionary(job.questions.map { ($0.id, $0.text) }) { first, _ in first }
      return results.map { result in
        let id = LlavaQuestionID(text: result.questionID)
        return record(id: id?.id, key: id?.key, prompt: prompts[result.questionID] ?? "", result.outcome)
      }
    case .rejected(let letter, let delivery):
      guard case .success(let job) = delivery.content else {
        var number = 0
        if case .line(_, let line) = delivery.origin { number = line }
        let key = ProgressKey.refusedLine(number, payload: delivery.payload)
        return [record(id: delivery.rejectedJobID, key: key, prompt: "", .failure(letter.rejection))]
      }
      return job.questions.map { question in
        let id = LlavaQuestionID(text: question.id)
        return record(id: id?.id, key: id?.key, prompt: question.text, .failure(letter.rejection))
      }
    }
  }

  func entry(of line: Data) throws(Rejection) -> DoneEntry {
    let root = try JSONFields(JSONValue(parsing: line))
    guard let key = ProgressKey(text: try root.requiredText("answer_id")) else {
      throw root.bad("answer_id", mustBe: "32 hexadecimal digits")
    }
    return DoneEntry(key: key, isFailure: try root.object("metadata")?["error"] != nil)
  }

  private func record(
    id: String?, key: ProgressKey?, prompt: String, _ outcome: Result<Answer, Rejection>
  ) -> OrderedJSON {
    var text = ""
    var metadata: OrderedJSON = [:]
    switch outcome {
    case .success(let answer): text = answer.text
    case .failure(let rejection):
      metadata = [
        "error": ["code": .string(rejection.reason.rawValue), "message": .string(rejection.message)]
      ]
    }
    let questionID = id.flatMap { try? JSONValue(parsing: Data($0.utf8)) } ?? .null
    return [
      "question_id": OrderedJSON(questionID),
      "prompt": .string(prompt),
      "text": .string(text),
      "answer_id": key.map { .string($0.text) } ?? .null,
      "model_id": .string(modelName),
      "metadata": metadata,
    ]
  }
}
