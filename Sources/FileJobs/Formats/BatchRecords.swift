import Answering
import Foundation

/// Format `openai-batch`: a line with a chat completion or an error for each request.
///
/// A line's `id` is `batch_req_` and the progress key of what it answers, so that a resumed run knows it again:
/// the same request has the same id in every run.
struct BatchRecords: ResultLines {
  private static let idPrefix = "batch_req_"

  /// Seconds since 1970, for `created`.
  var now: @Sendable () -> Int = { Int(Date().timeIntervalSince1970) }

  func records(for outcome: JobOutcome) -> [OrderedJSON] {
    switch outcome {
    case .answered(let results, _, _): return results.map(record)
    case .rejected(let letter, let delivery):
      switch delivery.content {
      case .success(let job):
        return job.questions.map { error(letter.rejection, key: .request($0.id), customID: $0.id) }
      case .failure:
        var number = 0
        if case .line(_, let line) = delivery.origin { number = line }
        let key = ProgressKey.refusedLine(number, payload: delivery.payload)
        return [error(letter.rejection, key: key, customID: delivery.rejectedJobID)]
      }
    }
  }

  func entry(of line: Data) throws(Rejection) -> DoneEntry {
    let root = try JSONFields(JSONValue(parsing: line))
    let id = try root.requiredText("id")
    guard id.hasPrefix(Self.idPrefix), let key = ProgressKey(text: String(id.dropFirst(Self.idPrefix.count)))
    else {
      throw root.bad("id", mustBe: "\(Self.idPrefix) and 32 hexadecimal digits")
    }
    return DoneEntry(key: key, isFailure: root["error"] ?? .null != .null)
  }

  private func record(of result: JobResult) -> OrderedJSON {
    let key = ProgressKey.request(result.questionID)
    switch result.outcome {
    case .failure(let rejection): return error(rejection, key: key, customID: result.questionID)
    case .success(let answer):
      return [
        "id": .string(Self.idPrefix + key.text),
        "custom_id": .string(result.questionID),
        "response": [
          "status_code": .integer(200),
          "request_id": .string("req_" + key.text),
          "body": completion(answer, model: result.model, key: key),
        ],
        "error": .null,
      ]
    }
  }

  private func completion(_ answer: Answer, model: ModelIdentity, key: ProgressKey) -> OrderedJSON {
    [
      "id": .string("chatcmpl-" + key.text),
      "object": .string("chat.completion"),
      "created": OrderedJSON(now()),
      "model": .string(model.name),
      "system_fingerprint": .string(model.fingerprint),
      "choices": .array([
        [
          "index": .integer(0),
          "message": ["role": .string("assistant"), "content": .string(answer.text), "refusal": .null],
          "logprobs": .null,
          "finish_reason": .string(answer.finishReason.rawValue),
        ]
      ]),
      "usage": [
        "prompt_tokens": OrderedJSON(answer.promptTokens),
        "completion_tokens": OrderedJSON(answer.completionTokens),
        "total_tokens": OrderedJSON(answer.promptTokens + answer.completionTokens),
      ],
    ]
  }

  private func error(_ rejection: Rejection, key: ProgressKey, customID: String?) -> OrderedJSON {
    [
      "id": .string(Self.idPrefix + key.text),
      "custom_id": customID.map { .string($0) } ?? .null,
      "response": .null,
      "error": ["code": .string(rejection.reason.rawValue), "message": .string(rejection.message)],
    ]
  }
}
