import Answering
import Foundation

/// Format `jobs`: a result for each question, or a dead letter for the job.
struct JobRecords: ResultLines {
  func records(for outcome: JobOutcome) -> [OrderedJSON] {
    switch outcome {
    case .answered(let results, _, _): results.map(\.record)
    case .rejected(let letter, _): [letter.record]
    }
  }

  func entry(of line: Data) throws(Rejection) -> DoneEntry {
    let root = try JSONFields(JSONValue(parsing: line))
    guard root["reason"] == nil else { return DoneEntry(key: try refusal(line), isFailure: true) }
    let key = ProgressKey.answer(
      job: try root.requiredText("job_id"), question: try root.requiredText("question_id"))
    return DoneEntry(key: key, isFailure: root["error"] != nil)
  }

  private func refusal(_ line: Data) throws(Rejection) -> ProgressKey {
    let letter = try DeadLetter(json: line)
    switch letter.origin {
    case .line(_, let number): return .refusedLine(number, payload: letter.payload)
    case .file(let path): return .refusedJob(letter.jobID ?? path)
    case .record: throw Rejection(.schemaViolation, "a dead letter of a topic")
    }
  }
}
