import Answering
import Foundation

/// Format `openai-batch`: the `custom_id` is the question's id; a repeated one is refused.
struct BatchQuestions: QuestionLines {
  let limits: JobLimits
  let defaults: GenerationParameters
  private var firstLines: SeenKeys

  init(limits: JobLimits, defaults: GenerationParameters, seen: SeenKeys = SeenKeys()) {
    self.limits = limits
    self.defaults = defaults
    firstLines = seen
  }

  mutating func question(on line: Line) throws(Rejection) -> LineQuestion {
    guard line.isWhole else { throw line.tooLong(limits) }
    let request = try BatchRequest(line: line.bytes, defaults: defaults)
    let key = ProgressKey.request(request.customID)
    if let first = firstLines[key] {
      throw Rejection(
        .schemaViolation, "custom_id \(JSONValue.string(request.customID).brief) is already on line \(first)")
    }
    firstLines[key] = line.number
    let question = Question(id: request.customID, text: request.text, parameters: request.parameters)
    return LineQuestion(question: question, image: request.image, key: key)
  }

  func readableID(in line: Data) -> String? { BatchRequest.readableID(in: line) }
}
