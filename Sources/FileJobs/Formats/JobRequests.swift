import Answering
import Foundation

/// Format `jobs`: each line is one job message.
///
/// A question whose job and question ids an earlier line of the input had already is refused with its whole line:
/// its results could not be told apart.
struct JobRequests: RequestLines {
  let file: String
  let limits: JobLimits
  let defaults: GenerationParameters
  /// What earlier runs have done.
  let done: Set<ProgressKey>
  private var firstLines: SeenKeys

  init(
    file: String, limits: JobLimits, defaults: GenerationParameters, done: Set<ProgressKey>,
    seen: SeenKeys = SeenKeys()
  ) {
    self.file = file
    self.limits = limits
    self.defaults = defaults
    self.done = done
    firstLines = seen
  }

  mutating func read(_ line: Line) -> [Draft] {
    let payload = line.payload
    if !done.isEmpty, done.contains(.refusedLine(line.number, payload: payload)) { return [] }
    let origin = Origin.line(file: file, number: line.number)
    do throws(Rejection) {
      var job = try job(of: line)
      let asked = job.questions.count
      job.questions.removeAll { done.contains(.answer(job: job.id, question: $0.id)) }
      job.answeredEarlier = asked - job.questions.count
      return job.questions.isEmpty ? [] : [Draft(origin: origin, content: .success(job), payload: payload)]
    } catch {
      return [
        Draft(
          origin: origin, content: .failure(error), payload: payload,
          rejectedJobID: Job.readableID(in: payload.bytes))
      ]
    }
  }

  mutating func rest() -> [Draft] { [] }

  private mutating func job(of line: Line) throws(Rejection) -> Job {
    guard line.isWhole else { throw line.tooLong(limits) }
    let job = try Job(json: line.bytes, limits: limits, defaults: defaults)
    let keys = job.questions.map { ProgressKey.answer(job: job.id, question: $0.id) }
    for (question, key) in zip(job.questions, keys) {
      guard let first = firstLines[key] else { continue }
      throw Rejection(
        .schemaViolation,
        "job_id \(JSONValue.string(job.id).brief) with question_id \(JSONValue.string(question.id).brief) "
          + "is already on line \(first)")
    }
    for key in keys { firstLines[key] = line.number }
    return job
  }
}

extension Line {
  var payload: Payload { isWhole ? Payload(bytes) : Payload(bytes, isTruncated: true) }

  func tooLong(_ limits: JobLimits) -> Rejection {
    Rejection(.payloadTooLarge, "the line has \(length) bytes; \(limits.messageBytes) are allowed")
  }
}
