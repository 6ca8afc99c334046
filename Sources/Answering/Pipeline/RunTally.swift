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
