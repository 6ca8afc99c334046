import Answering
import Evaluation
import FileJobs
import Foundation
import Images
import LlavaModel
import Synchronization

/// Asks all of a dataset's questions with one setting.
struct EvaluationPass {
  let dataset: Dataset
  let images: ImageLoader
  let pipeline: PipelineSettings

  /// Throws `EarlyEnd` where the drain ended it early.
  func answers(
    _ setting: EvaluationSetting, _ model: LlavaModel, basis: SettingAnswers.Basis, until drain: Signal
  ) async throws -> SettingAnswers {
    let jobs = JobList(
      dataset.jobs.map { job in
        var job = job
        job.compression = setting.compression ?? job.compression
        for index in job.questions.indices { setting.apply(to: &job.questions[index].parameters) }
        return job
      })
    let found = FoundAnswers()
    let progress = RunProgress { jobs.share }
    let run = Pipeline(
      source: jobs, images: images, model: model, sink: found, settings: pipeline, observer: progress)
    let start = ContinuousClock.now
    let ending = try await progress.shown { try await run.run(until: drain) }
    if ending.wasInterrupted { throw EarlyEnd(status: .interrupted) }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return answers(basis, found.outcomes, seconds: seconds)
  }

  private func answers(
    _ basis: SettingAnswers.Basis, _ outcomes: [String: JobOutcome], seconds: Double
  ) -> SettingAnswers {
    var times = StageTimings()
    var answers = SettingAnswers(
      basis: basis, seconds: .init(total: seconds, vision: 0, prefill: 0, decode: 0), scaleShares: [],
      rows: [])
    let imageNumbers = Dictionary(
      dataset.jobs.map(\.image).enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var imagesSeen: Set<Int> = []
    for job in dataset.jobs {
      let imageNumber = imageNumbers[job.image] ?? 0
      let outcome = outcomes[job.id]
      var results: [String: JobResult] = [:]
      var refusal: Rejection?
      switch outcome {
      case .answered(let answered, _, _):
        results = Dictionary(answered.map { ($0.questionID, $0) }, uniquingKeysWith: { first, _ in first })
        times.add(ofOneJob: answered.map(\.timings))
      case .rejected(let letter, _): refusal = letter.rejection
      case nil: refusal = Rejection(.internal, "no outcome")
      }
      // An image may be in several jobs.
      if let shares = results.values.first(where: { $0.visualTokens != nil })?.visualTokens?.scaleShares,
        imagesSeen.insert(imageNumber).inserted
      {
        answers.scaleShares.append(shares)
      }
      for question in job.questions {
        answers.rows.append(
          row(
            question, of: job, results[question.id], refusal, image: imageNumber))
      }
    }
    answers.seconds.vision = times.vision / 1000
    answers.seconds.prefill = times.prefill / 1000
    answers.seconds.decode = times.decode / 1000
    return answers
  }

  private func row(
    _ question: Question, of job: Job, _ result: JobResult?, _ refusal: Rejection?, image: Int
  ) -> SettingAnswers.Row {
    let item = Int(question.id).map { dataset.items[$0] }
    var row = SettingAnswers.Row(
      id: item?.id ?? question.id, image: image, kind: item?.kind, question: question.text,
      references: item?.references ?? [])
    switch result?.outcome {
    case .success(let answer):
      row.answer = answer.text
      row.tokens = result?.visualTokens.map {
        .init(encoded: $0.encoded, compressed: $0.compressed, selected: $0.selected)
      }
    case .failure(let rejection): row.error = "\(rejection)"
    case nil: row.error = refusal.map { "\($0)" }
    }
    return row
  }
}

/// Keeps outcomes by their jobs' ids.
private final class FoundAnswers: ResultSink {
  private let found = Mutex<[String: JobOutcome]>([:])

  var outcomes: [String: JobOutcome] { found.withLock { $0 } }

  func publish(_ outcome: JobOutcome) async throws {
    let id: String?
    switch outcome {
    case .answered(_, let job, _): id = job.id
    case .rejected(let letter, _): id = letter.jobID
    }
    guard let id else { return }
    found.withLock { $0[id] = outcome }
  }
}

extension StageTimings {
  /// Questions of one job share the vision tower's time, and mostly the steps of the language model: its time is that
  /// of the question it took longest for.
  fileprivate mutating func add(ofOneJob timings: [StageTimings]) {
    vision += timings.first?.vision ?? 0
    prefill += timings.map(\.prefill).max() ?? 0
    decode += timings.map(\.decode).max() ?? 0
  }
}

extension TokenLedger {
  /// nil where no sampler ran.
  fileprivate var scaleShares: [Int: Double]? {
    let blocks = scales.values.reduce(0, +)
    return blocks == 0 ? nil : scales.mapValues { Double($0) / Double(blocks) }
  }
}
