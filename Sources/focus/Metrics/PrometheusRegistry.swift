import CoreMetrics
import Synchronization

/// Keeps what libraries and the worker measure through swift-metrics, and writes it as Prometheus reads it (text
/// format 0.0.4). Labels that are not names there are made such.
final class PrometheusRegistry: MetricsFactory {
  enum Kind: String {
    case counter
    case gauge
    case histogram
  }

  /// What a metric means, and a histogram's buckets.
  struct Description: Sendable {
    var help: String
    var buckets: [Double] = []
  }

  private struct Family {
    var kind: Kind
    var series: [[Label]: MetricSeries] = [:]
  }

  private struct Label: Hashable {
    var name: String
    var value: String
  }

  private let families = Mutex<[String: Family]>([:])
  private let descriptions: [String: Description]
  private static let defaultBuckets = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]

  init(_ descriptions: [String: Description]) {
    self.descriptions = descriptions
  }

  // MARK: swift-metrics

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    series(.counter, label, dimensions)
  }

  func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    series(.counter, label, dimensions)
  }

  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    series(.gauge, label, dimensions)
  }

  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    // A recorder that does not aggregate is a gauge to swift-metrics.
    aggregate ? series(.histogram, label, dimensions) : RecorderAsGauge(series(.gauge, label, dimensions))
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    series(.histogram, label, dimensions)
  }

  /// Series stay: counters never go back.
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
  func destroyMeter(_ handler: any MeterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}

  private func series(_ kind: Kind, _ name: String, _ dimensions: [(String, String)]) -> MetricSeries {
    let name = Self.name(name)
    let labels = dimensions.map { Label(name: Self.name($0.0), value: $0.1) }.sorted { $0.name < $1.name }
    return families.withLock { families in
      if let series = families[name]?.series[labels] { return series }
      let bounds = kind == .histogram ? descriptions[name]?.buckets ?? Self.defaultBuckets : []
      let series = MetricSeries(bounds: bounds)
      families[name, default: Family(kind: kind)].series[labels] = series
      return series
    }
  }

  /// Sets the gauges of a family, and forgets those of its series that are not among them.
  func replaceGauges(_ name: String, _ values: [(labels: [(String, String)], value: Double)]) {
    families.withLock { $0[name] = Family(kind: .gauge) }
    for (labels, value) in values { series(.gauge, name, labels).set(value) }
  }

  // MARK: Text

  /// All series, by name and labels.
  var text: String {
    families.withLock { families in
      families.sorted { $0.key < $1.key }.map { name, family in text(of: family, name) }.joined()
    }
  }

  private func text(of family: Family, _ name: String) -> String {
    var lines: [String] = []
    if let help = descriptions[name]?.help { lines.append("# HELP \(name) \(help)") }
    lines.append("# TYPE \(name) \(family.kind.rawValue)")
    for (labels, series) in family.series.sorted(by: { Self.text(of: $0.key) < Self.text(of: $1.key) }) {
      let value = series.value
      guard family.kind == .histogram else {
        lines.append("\(name)\(Self.text(of: labels)) \(Self.text(of: value.sum))")
        continue
      }
      var below = 0
      for (bound, count) in zip(series.bounds + [.infinity], value.buckets) {
        below += count
        let bound = Label(name: "le", value: Self.text(of: bound))
        lines.append("\(name)_bucket\(Self.text(of: labels + [bound])) \(below)")
      }
      lines.append("\(name)_sum\(Self.text(of: labels)) \(Self.text(of: value.sum))")
      lines.append("\(name)_count\(Self.text(of: labels)) \(value.count)")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func text(of labels: [Label]) -> String {
    if labels.isEmpty { return "" }
    let pairs = labels.map { label in
      let value = label.value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
        "\n", with: "\\n")
      return "\(label.name)=\"\(value)\""
    }
    return "{\(pairs.joined(separator: ","))}"
  }

  private static func text(of value: Double) -> String {
    if value == .infinity { return "+Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
  }

  /// Letters, digits and underscores, not beginning with a digit.
  private static func name(_ text: String) -> String {
    let name = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    return name.first?.isNumber ?? true ? "_" + name : name
  }
}

/// What swift-metrics takes for the last value recorded.
private final class RecorderAsGauge: RecorderHandler {
  private let series: MetricSeries

  init(_ series: MetricSeries) { self.series = series }

  func record(_ value: Int64) { series.set(value) }
  func record(_ value: Double) { series.set(value) }
}
