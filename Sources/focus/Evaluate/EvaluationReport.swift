import Evaluation
import Foundation

/// What an evaluation leaves behind: a table, figures for programs, and plots.
struct EvaluationReport {
  let model: String
  let dataset: String
  let metric: Metric
  let outcomes: [Outcome]

  private struct Document: Encodable {
    var model: String
    var dataset: String
    var metric: Metric
    var outcomes: [Outcome]
  }

  var table: String { ReportTable(outcomes).lines.joined(separator: "\n") }

  func write(to folder: URL) throws {
    let document = Document(model: model, dataset: dataset, metric: metric, outcomes: outcomes)
    try Self.encoded(document).write(to: folder.appendingPathComponent("evaluation.json"), options: .atomic)
    try Data("\(table)\n".utf8).write(to: folder.appendingPathComponent("table.md"), options: .atomic)
    for (name, chart) in charts {
      try Data(chart.svg.utf8).write(to: folder.appendingPathComponent("\(name).svg"), options: .atomic)
    }
  }

  static func encoded(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }

  // MARK: Plots

  private var charts: [(name: String, chart: Chart)] {
    var charts: [(String, Chart)] = []
    let byTokens = lines(over: ["budget", "ratio"]) { $0.tokens.selected }
    if byTokens.contains(where: { $0.points.count > 1 }) {
      charts.append(
        (
          "accuracy-by-tokens",
          Chart(
            title: "Accuracy against visual tokens", x: "selected tokens, mean of the questions",
            y: "accuracy, %", lines: byTokens)
        ))
    }
    // The paper's Figure 2.
    let layered = lines(over: ["layer"]) { Double($0.values["layer"] ?? "") }
    if layered.contains(where: { $0.points.count > 1 }) {
      charts.append(
        (
          "accuracy-by-layer",
          Chart(title: "Accuracy against the selection layer", x: "layer", y: "accuracy, %", lines: layered)
        ))
      let speed = lines(over: ["layer"], { Double($0.values["layer"] ?? "") }) {
        .init(x: 0, y: Double($0.questions) / max($0.seconds.total, 1e-9))
      }
      charts.append(
        (
          "speed-by-layer",
          Chart(title: "Speed against the selection layer", x: "layer", y: "questions/s", lines: speed)
        ))
    }
    // The paper's Figure 3.
    for (index, outcome) in outcomes.enumerated() where outcome.scaleShares.count > 1 {
      charts.append(("scales-\(index + 1)", scales(outcome)))
    }
    return charts
  }

  /// Settings that differ in nothing but `keys`, one line for each group; a setting without a place on the axis has
  /// none.
  private func lines(
    over keys: [String], _ x: (Outcome) -> Double?,
    _ point: (Outcome) -> Chart.Point = { outcome in
      let accuracy = outcome.accuracy
      return .init(x: 0, y: accuracy.mean * 100, interval: (accuracy.low * 100, accuracy.high * 100))
    }
  ) -> [Chart.Line] {
    var names: [String] = []
    var lines: [String: [Chart.Point]] = [:]
    for outcome in outcomes {
      guard let x = x(outcome) else { continue }
      let rest = outcome.values.filter { !keys.contains($0.key) }.sorted { $0.key < $1.key }
      let name = rest.isEmpty ? "as set" : rest.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
      if lines[name] == nil { names.append(name) }
      var point = point(outcome)
      point.x = x
      lines[name, default: []].append(point)
    }
    return names.map { Chart.Line(name: $0, points: lines[$0] ?? []) }
  }

  private func scales(_ outcome: Outcome) -> Chart {
    let shares = outcome.scaleShares.sorted { ($0[1] ?? 0, $0[2] ?? 0) > ($1[1] ?? 0, $1[2] ?? 0) }
    let lines = [1, 2, 4].map { scale in
      Chart.Line(
        name: "scale \(scale)",
        points: shares.enumerated().map { .init(x: Double($0 + 1), y: ($1[scale] ?? 0) * 100) })
    }
    return Chart(
      title: "Scales by image: \(outcome.setting)", x: "images, finest first", y: "blocks, %", lines: lines)
  }
}
