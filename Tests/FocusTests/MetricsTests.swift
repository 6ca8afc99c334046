import Answering
import CoreMetrics
import Testing

@testable import focus

struct MetricsTests {
  @Test func textIsWhatPrometheusReads() {
    let registry = PrometheusRegistry([
      "jobs_total": .init(help: "Jobs."), "seconds": .init(help: "Time.", buckets: [0.1, 1]),
    ])
    Counter(label: "jobs_total", dimensions: [("outcome", "a \"b\"\n\\")], factory: registry).increment(by: 3)
    Counter(label: "jobs_total", dimensions: [("outcome", "z")], factory: registry).increment()
    Counter(label: "jobs_total", dimensions: [("outcome", "z")], factory: registry).increment()
    let timer = CoreMetrics.Timer(label: "seconds", factory: registry)
    for nanoseconds in [50_000_000, 100_000_000, 500_000_000, 2_000_000_000] as [Int64] {
      timer.recordNanoseconds(nanoseconds)
    }
    let meter = Meter(label: "cells.used", factory: registry)
    meter.set(7.5)
    meter.decrement(by: 1)
    #expect(
      registry.text == #"""
        # TYPE cells_used gauge
        cells_used 6.5
        # HELP jobs_total Jobs.
        # TYPE jobs_total counter
        jobs_total{outcome="a \"b\"\n\\"} 3
        jobs_total{outcome="z"} 2
        # HELP seconds Time.
        # TYPE seconds histogram
        seconds_bucket{le="0.1"} 2
        seconds_bucket{le="1"} 3
        seconds_bucket{le="+Inf"} 4
        seconds_sum 2.65
        seconds_count 4

        """#)
  }

  @Test func everyMetricIsDescribed() {
    let registry = PrometheusRegistry(WorkerMetrics.descriptions)
    let metrics = WorkerMetrics(registry, model: ModelIdentity(name: "m", fingerprint: "f"))
    let delivery = Delivery(
      sequence: 1, origin: .record(topic: "t", partition: 0, offset: 1, timestamp: 0),
      content: .failure(Rejection(.malformedJSON, "")))
    metrics.observe(.began(delivery))
    metrics.observe(.stage(.fetch, .milliseconds(5)))
    metrics.observe(.tokenCache(.hit))
    metrics.observe(
      .published(
        .rejected(
          DeadLetter(
            rejection: Rejection(.malformedJSON, ""), jobID: nil, attempts: 1, origin: delivery.origin,
            payload: nil),
          delivery: delivery)))
    let answer = Answer(text: "x", finishReason: .stop, promptTokens: 5, completionTokens: 2)
    metrics.observe(
      .published(
        .answered(
          [
            JobResult(
              jobID: "j", questionID: "q", outcome: .success(answer), imageSHA256: "",
              model: .init(name: "m", fingerprint: "f"),
              visualTokens: TokenLedger(encoded: 9, compressed: 4, selected: 2), tokenCache: .hit,
              timings: StageTimings(), metadata: nil)
          ], of: Job(id: "j", image: .uri("i"), questions: []), delivery: delivery)))
    metrics.stepped(rows: 3, cellsUsed: 40)
    metrics.lags([0: 3, 1: 5], topic: "focus.jobs")
    metrics.lags([0: 12], topic: "focus.jobs")
    let text = registry.text
    for name in WorkerMetrics.descriptions.keys {
      #expect(text.contains("# HELP \(name) "), "\(name) is described and never measured")
    }
    let types = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
    #expect(types.count == WorkerMetrics.descriptions.count, "a metric without a description: \(types)")
    #expect(text.contains(#"focus_consumer_lag{partition="0",topic="focus.jobs"} 12"#))
    #expect(!text.contains(#"partition="1""#), "a partition that has gone is another worker's to tell of")
    #expect(text.contains(#"focus_dead_letters_total{reason="malformed_json"} 1"#))
    #expect(text.contains(#"focus_visual_tokens_total{stage="compressed"} 4"#))
  }

  @Test(arguments: [
    ("0.0.0.0:9464", ListenAddress(host: "0.0.0.0", port: 9464)),
    ("[::1]:80", ListenAddress(host: "::1", port: 80)),
    ("none", ListenAddress(host: "", port: nil)), ("9464", nil), (":9464", nil), ("host:99999", nil),
    ("host:", nil),
  ])
  func addresses(text: String, address: ListenAddress?) {
    #expect(ListenAddress(argument: text) == address)
  }
}
