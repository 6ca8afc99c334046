import Answering
import Foundation

/// Format `openai-batch`: consecutive lines on one image become one job, whose question ids are the lines'
/// `custom_id`s. A refused line stands for itself and does not part its neighbours. A job is complete when a line
/// on another image, its 256th question, or the end is read.
struct BatchRequests: RequestLines {
  let file: String
  let limits: JobLimits
  /// What earlier runs have done.
  let done: Set<ProgressKey>
  private var firstLines: [ProgressKey: Int] = [:]
  private var gathered: Draft?
  private var group: Job?

  init(file: String, limits: JobLimits, done: Set<ProgressKey>) {
    self.file = file
    self.limits = limits
    self.done = done
  }

  mutating func read(_ line: Line) -> [Draft] {
    let payload = line.payload
    if !done.isEmpty, done.contains(.refusedLine(line.number, payload: payload)) { return [] }
    let origin = Origin.line(file: file, number: line.number)
    do throws(Rejection) {
      return gather(try request(line), origin: origin, payload: payload)
    } catch {
      return [
        Draft(
          origin: origin, content: .failure(error), payload: payload,
          rejectedJobID: BatchRequest.readableID(in: payload.bytes))
      ]
    }
  }

  mutating func rest() -> [Draft] {
    defer { (group, gathered) = (nil, nil) }
    guard let group, var draft = gathered, !group.questions.isEmpty else { return [] }
    draft.content = .success(group)
    return [draft]
  }

  private mutating func request(_ line: Line) throws(Rejection) -> BatchRequest {
    guard line.isWhole else { throw line.tooLong(limits) }
    let request = try BatchRequest(line: line.bytes)
    let key = ProgressKey.request(request.customID)
    if let first = firstLines[key] {
      throw Rejection(
        .schemaViolation, "custom_id \(JSONValue.string(request.customID).brief) is already on line \(first)")
    }
    firstLines[key] = line.number
    return request
  }

  /// Adds the request to the job on its image, and returns the job before where this is another image.
  private mutating func gather(_ request: BatchRequest, origin: Origin, payload: Payload) -> [Draft] {
    var complete: [Draft] = []
    if let job = group,
      job.image != request.image || job.questions.count + job.answeredEarlier >= Job.questionLimit
    {
      complete = rest()
    }
    var job = group ?? Job(id: request.customID, image: request.image, questions: [])
    if done.contains(.request(request.customID)) {
      job.answeredEarlier += 1
    } else {
      if job.questions.isEmpty {
        job.id = request.customID
        gathered = Draft(origin: origin, content: .success(job), payload: payload)
      }
      job.questions.append(
        Question(id: request.customID, text: request.text, parameters: request.parameters))
    }
    group = job
    return complete
  }
}
