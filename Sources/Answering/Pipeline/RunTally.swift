import Synchronization

/// Counts a run's events and passes them on.
final class RunTally: ProgressObserver {
  private let state = Mutex(RunCounts())
  private let observer: (any ProgressObserver)?

  init(passingOnTo observer: (any ProgressObserver)?) {
    self.observer = observer
  }

  var counts: RunCounts { state.withLock { $0 } }

  func observe(_ event: ProgressEvent) {
    state.withLock { $0.add(event) }
    observer?.observe(event)
  }
}

// MARK: Time

extension RunTally {
  func timed<Value>(_ stage: Stage, _ work: () async throws -> Value) async rethrows -> Value {
    var ignored = 0.0
    return try await timed(stage, adding: &ignored, work)
  }

  /// Runs `work`, tells the observer how long it took, and adds that to `milliseconds`.
  func timed<Value>(
    _ stage: Stage, adding milliseconds: inout Double, _ work: () async throws -> Value
  ) async rethrows -> Value {
    let start = ContinuousClock.now
    defer {
      let duration = ContinuousClock.now - start
      milliseconds += duration / .milliseconds(1)
      observe(.stage(stage, duration))
    }
    return try await work()
  }
}
