import Answering
import Logging
import Synchronization

/// Shows a run: a bar on a terminal, a log line every ten seconds elsewhere, and a closing summary.
final class RunProgress: ProgressObserver {
  private let counts = Mutex(RunCounts())
  private let total: Int?
  private let start = ContinuousClock.now
  private let log = Logger(label: "focus.run")

  /// - Parameter total: jobs in this run, where known.
  init(total: Int?) {
    self.total = total
  }

  func observe(_ event: ProgressEvent) {
    counts.withLock { $0.add(event) }
  }

  var text: ProgressText {
    ProgressText(counts: counts.withLock { $0 }, total: total, elapsed: ContinuousClock.now - start)
  }

  /// Shows progress while `run` runs.
  func shown<Value: Sendable>(during run: @escaping @Sendable () async throws -> Value) async throws -> Value
  {
    let showing = Task { await show() }
    defer {
      showing.cancel()
      StandardError.shared.removeBar()
    }
    return try await run()
  }

  private func show() async {
    let isTerminal = StandardError.shared.isTerminal
    while !Task.isCancelled {
      guard (try? await Task.sleep(for: isTerminal ? .milliseconds(200) : .seconds(10))) != nil else {
        return
      }
      if isTerminal {
        StandardError.shared.showBar(text.bar)
      } else {
        log.info("\(text.line)")
      }
    }
  }
}
