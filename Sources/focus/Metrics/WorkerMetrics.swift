import Answering
import CoreMetrics

/// What the worker tells of itself (`/metrics`). Base units, no labels without bound.
final class WorkerMetrics: ProgressObserver {
  static let descriptions: [String: PrometheusRegistry.Description] = [
    "focus_jobs_total": .init(help: "Jobs that ended, by outcome."),
    "focus_questions_total": .init(help: "Questions with a result, by how the answer ended."),
    "focus_visual_tokens_total": .init(help: "Visual tokens of answered questions, by stage."),
    "focus_token_cache_requests_total": .init(help: "Requests to the token store, by what came of them."),
    "focus_prompt_tokens_total": .init(help: "Prompt tokens of answered questions."),
    "focus_generation_tokens_total": .init(help: "Tokens of answers."),
    "focus_stage_duration_seconds": .init(
      help: "Time that a job spent in a stage.",
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]),
    "focus_jobs_in_flight": .init(help: "Jobs begun and not ended."),
    "focus_consumer_lag": .init(help: "Records of the worker's own partitions that are not yet committed."),
    "focus_ready": .init(help: "1 while the model is loaded and partitions are assigned."),
    "focus_dead_letters_total": .init(help: "Jobs refused as a whole, by reason."),
    "focus_batch_rows": .init(
      help: "Rows that the model computed together.",
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]),
    "focus_kv_cells_used": .init(help: "Key/value cells that are taken."),
    "focus_build_info": .init(help: "1; the version and the model are in the labels."),
  ]

  private let factory: PrometheusRegistry
  private let jobsInFlight: Meter
  private let batchRows: Recorder
  private let cellsUsed: Meter
  private let stages: [Stage: CoreMetrics.Timer]

  init(_ factory: PrometheusRegistry, model: ModelIdentity) {
    self.factory = factory
    jobsInFlight = Meter(label: "focus_jobs_in_flight", factory: factory)
    batchRows = Recorder(label: "focus_batch_rows", factory: factory)
    cellsUsed = Meter(label: "focus_kv_cells_used", factory: factory)
    stages = Dictionary(
      uniqueKeysWithValues: Stage.allCases.map { stage in
        (
          stage,
          CoreMetrics.Timer(
            label: "focus_stage_duration_seconds", dimensions: [("stage", stage.rawValue)], factory: factory)
        )
      })
    Meter(
      label: "focus_build_info", dimensions: [("version", Focus.version), ("model", model.name)],
      factory: factory
    ).set(1)
    // Series that are there from the start: a rate needs a first value.
    for outcome in ["answered", "rejected", "abandoned"] {
      count("focus_jobs_total", outcome: outcome, by: 0)
    }
    for event in TokenCacheEvent.allCases { count(event, by: 0) }
    for reason in RejectionReason.allCases {
      counter("focus_dead_letters_total", [("reason", reason.rawValue)]).increment(by: 0)
    }
    // What tells of it sets it at each scrape.
    Meter(label: "focus_ready", factory: factory).set(0)
  }

  func observe(_ event: ProgressEvent) {
    switch event {
    case .began:
      jobsInFlight.increment()
    case .stage(let stage, let duration):
      stages[stage]?.recordNanoseconds(Int64(duration / .nanoseconds(1)))
    case .tokenCache(let event):
      count(event, by: 1)
    case .abandoned:
      jobsInFlight.decrement()
      count("focus_jobs_total", outcome: "abandoned", by: 1)
    case .published(.rejected(let letter, _)):
      jobsInFlight.decrement()
      count("focus_jobs_total", outcome: "rejected", by: 1)
      counter("focus_dead_letters_total", [("reason", letter.rejection.reason.rawValue)]).increment()
    case .published(.answered(let results, _, _)):
      jobsInFlight.decrement()
      count("focus_jobs_total", outcome: "answered", by: 1)
      for result in results { add(result) }
    }
  }

  /// The model computed a step.
  func stepped(rows: Int, cellsUsed cells: Int) {
    batchRows.record(rows)
    cellsUsed.set(cells)
  }

  /// The lags of the partitions that are this worker's now; others' are told by others.
  func lags(_ lags: [Int32: Int64], topic: String) {
    factory.replaceGauges(
      "focus_consumer_lag",
      lags.map { ([("topic", topic), ("partition", String($0.key))], Double($0.value)) })
  }

  private func add(_ result: JobResult) {
    switch result.outcome {
    case .failure:
      counter("focus_questions_total", [("finish_reason", "error")]).increment()
    case .success(let answer):
      counter("focus_questions_total", [("finish_reason", answer.finishReason.rawValue)]).increment()
      counter("focus_prompt_tokens_total").increment(by: Int64(answer.promptTokens))
      counter("focus_generation_tokens_total").increment(by: Int64(answer.completionTokens))
    }
    guard let tokens = result.visualTokens else { return }
    for (stage, count) in [
      ("encoded", tokens.encoded), ("compressed", tokens.compressed), ("selected", tokens.selected),
    ] {
      counter("focus_visual_tokens_total", [("stage", stage)]).increment(by: Int64(count))
    }
  }

  private func count(_ name: String, outcome: String, by amount: Int64) {
    counter(name, [("outcome", outcome)]).increment(by: amount)
  }

  private func count(_ event: TokenCacheEvent, by amount: Int64) {
    counter("focus_token_cache_requests_total", [("result", event.rawValue)]).increment(by: amount)
  }

  private func counter(_ name: String, _ labels: [(String, String)] = []) -> Counter {
    Counter(label: name, dimensions: labels, factory: factory)
  }
}
