import Answering
import Logging
import Synchronization

/// Shows a run: a bar on a terminal, a log line every ten seconds elsewhere, and a closing summary.
final class RunProgress: ProgressObserver {
  private struct State {
    var counts = RunCounts()
    var shareAtStart: Double?
  }

  private let state = Mutex(State())
  private let share: @Sendable () -> Double?
  private let start = ContinuousClock.now
  private let log = Logger(label: "focus.run")
  private let next: (any ProgressObserver)?

  /// - Parameters:
  ///   - next: observes the same.
  ///   - share: how much of the input has been read, from 0 to 1; nil where its length is not known.
  init(passingOnTo next: (any ProgressObserver)? = nil, share: @escaping @Sendable () -> Double?) {
    self.next = next
    self.share = share
  }

  func observe(_ event: ProgressEvent) {
    next?.observe(event)
    let share = share()
    state.withLock { state in
      if case .began = event, state.shareAtStart == nil { state.shareAtStart = share }
      state.counts.add(event)
    }
    if case .published(.answered(let results, _, _)) = event { results.forEach(tellFailure) }
  }

  /// Refused jobs are told by the pipeline; a question that fails alone would only be seen in the output.
  private func tellFailure(of result: JobResult) {
    guard case .failure(let rejection) = result.outcome else { return }
    log.warning(
      "question failed: \(rejection)",
      metadata: ["job": "\(result.jobID)", "question": "\(result.questionID)"])
  }

  var text: ProgressText {
    let state = state.withLock { $0 }
    return ProgressText(
      counts: state.counts, share: share(), shareAtStart: state.shareAtStart ?? 0,
      elapsed: ContinuousClock.now - start)
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
