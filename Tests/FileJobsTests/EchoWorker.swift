import Adversary
import Foundation

@testable import Answering
@testable import FileJobs

/// Stands in for the pipeline: answers each question with its own text in capitals.
struct EchoWorker {
  static let model = ModelIdentity(name: "echo", fingerprint: "00ff")

  /// Ids of the questions asked, in order, as `job/question`.
  private(set) var asked: [String] = []
  private(set) var jobs: [Job] = []
  private(set) var rejections: [DeadLetter] = []
  /// Texts of questions that fail, and references of images that do.
  var failing: Set<String> = []

  mutating func run(_ run: FileRun, jobLimit: Int = .max) async throws {
    while jobs.count < jobLimit, let delivery = try await run.source.next() {
      try await run.sink.publish(outcome(of: delivery))
      try await run.source.finish(delivery)
    }
    try await run.sink.close()
  }

  private mutating func outcome(of delivery: Delivery) -> JobOutcome {
    switch delivery.content {
    case .failure(let rejection): return rejected(rejection, id: delivery.rejectedJobID, delivery)
    case .success(let job):
      jobs.append(job)
      if case .uri(let uri) = job.image, failing.contains(uri) {
        return rejected(Rejection(.imageUnreachable, "no \(uri)"), id: job.id, delivery)
      }
      asked += job.questions.map { "\(job.id)/\($0.id)" }
      return .answered(job.questions.map { result(of: $0, job) }, of: job, delivery: delivery)
    }
  }

  private mutating func rejected(_ rejection: Rejection, id: String?, _ delivery: Delivery) -> JobOutcome {
    let letter = DeadLetter(
      rejection: rejection, jobID: id, attempts: 1, origin: delivery.origin, payload: delivery.payload)
    rejections.append(letter)
    return .rejected(letter, delivery: delivery)
  }

  private func result(of question: Question, _ job: Job) -> JobResult {
    let answer = Answer(
      text: question.text.uppercased(), finishReason: .stop, promptTokens: 10, completionTokens: 2)
    return JobResult(
      jobID: job.id, questionID: question.id,
      outcome: failing.contains(question.text)
        ? .failure(Rejection(.questionTooLong, "too long")) : .success(answer),
      imageSHA256: String(repeating: "0", count: 64), model: Self.model, visualTokens: nil, tokenCache: .miss,
      timings: StageTimings(), metadata: job.metadata)
  }
}

extension TemporaryFolder {
  func lines(_ name: String) throws -> [String] { try read(name).split(separator: "\n").map(String.init) }

  /// A run over `input` into `out.jsonl`.
  func open(
    _ input: String = "in.jsonl", output: String = "out.jsonl", format: FileFormat? = nil,
    model: ModelIdentity = EchoWorker.model, settings: [String: String] = ["temperature": "0"],
    overwrite: Bool = false, limits: JobLimits = .files
  ) throws -> FileRun {
    try FileRun(
      input: path(input), output: path(output), format: format, model: model, settings: settings,
      overwrite: overwrite, limits: limits)
  }
}
