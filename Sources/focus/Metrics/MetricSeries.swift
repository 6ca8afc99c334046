import CoreMetrics
import Synchronization

/// One series: a metric with one set of labels. Every kind that swift-metrics knows of.
///
/// Updated from many threads, and read when somebody asks.
final class MetricSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler,
  TimerHandler
{
  struct Value {
    var sum = 0.0
    var count = 0
    /// Observations in each bucket, and beyond the last.
    var buckets: [Int]
  }

  /// Upper bounds of a histogram's buckets, rising; empty for counters and gauges.
  let bounds: [Double]
  private let state: Mutex<Value>

  init(bounds: [Double]) {
    self.bounds = bounds
    state = Mutex(Value(buckets: Array(repeating: 0, count: bounds.isEmpty ? 0 : bounds.count + 1)))
  }

  var value: Value { state.withLock { $0 } }

  // MARK: Counters and gauges

  func increment(by amount: Int64) { increment(by: Double(amount)) }
  func increment(by amount: Double) { state.withLock { $0.sum += amount } }
  func decrement(by amount: Double) { increment(by: -amount) }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { state.withLock { $0.sum = value } }
  func reset() { set(0.0) }

  // MARK: Histograms

  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock { state in
      state.sum += value
      state.count += 1
      if !state.buckets.isEmpty { state.buckets[bucket] += 1 }
    }
  }

  /// Prometheus' unit of time is the second.
  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
