import Answering
import Foundation

/// Reads formats with one question a line.
protocol QuestionLines: Sendable {
  /// Throws `Rejection` for a line that is no question.
  mutating func question(on line: Line) throws(Rejection) -> LineQuestion
  /// The id of a refused line where it can be read, as the results of the format will need it.
  func readableID(in line: Data) -> String?
}

/// One line's question, with the image that it is about.
struct LineQuestion: Sendable, Equatable {
  var question: Question
  var image: ImageReference
  /// Names the question for a resumed run.
  var key: ProgressKey
}

/// Consecutive lines on one image become one job, so that the image is encoded once. A refused line stands for
/// itself and does not part its neighbours. A job is complete when a line on another image, its 256th question, or
/// the end is read. Its id is that of its first question.
struct GroupedRequests<Questions: QuestionLines>: RequestLines {
  let file: String
  /// What earlier runs have done.
  let done: Set<ProgressKey>
  private var questions: Questions
  private var group: Job?
  /// The group's first line that is to be asked.
  private var first: Draft?

  init(file: String, done: Set<ProgressKey>, questions: Questions) {
    self.file = file
    self.done = done
    self.questions = questions
  }

  mutating func read(_ line: Line) -> [Draft] {
    let payload = line.payload
    if !done.isEmpty, done.contains(.refusedLine(line.number, payload: payload)) { return [] }
    let origin = Origin.line(file: file, number: line.number)
    do throws(Rejection) {
      return gather(try questions.question(on: line), origin: origin, payload: payload)
    } catch {
      return [
        Draft(
          origin: origin, content: .failure(error), payload: payload,
          rejectedJobID: questions.readableID(in: payload.bytes))
      ]
    }
  }

  mutating func rest() -> [Draft] {
    defer { (group, first) = (nil, nil) }
    guard let group, var draft = first else { return [] }
    draft.content = .success(group)
    return [draft]
  }

  /// Adds the question to the job on its image, and returns the job before where this is another image.
  private mutating func gather(_ line: LineQuestion, origin: Origin, payload: Payload) -> [Draft] {
    var complete: [Draft] = []
    if let group, group.image != line.image || group.questionCount >= Job.questionLimit { complete = rest() }
    var job = group ?? Job(id: line.question.id, image: line.image, questions: [])
    if done.contains(line.key) {
      job.answeredEarlier += 1
    } else {
      if job.questions.isEmpty {
        job.id = line.question.id
        first = Draft(origin: origin, content: .success(job), payload: payload)
      }
      job.questions.append(line.question)
    }
    group = job
    return complete
  }
}

extension Job {
  /// Questions that the job had before earlier runs answered some.
  var questionCount: Int { questions.count + answeredEarlier }
}
