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

  func key(of line: Data) throws(Rejection) -> ProgressKey {
    let root = try JSONFields(JSONValue(parsing: line))
    if root["reason"] == nil {
      return .answer(job: try root.requiredText("job_id"), question: try root.requiredText("question_id"))
    }
    let letter = try DeadLetter(json: line)
    switch letter.origin {
    case .line(_, let number): return .refusedLine(number, payload: letter.payload)
    case .file(let path): return .refusedJob(letter.jobID ?? path)
    case .record: throw Rejection(.schemaViolation, "a dead letter of a topic")
    }
  }
}
