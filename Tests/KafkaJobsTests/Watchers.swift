import Answering
import Logging
import Synchronization

/// Waits for what a worker logs.
final class LogWatcher: LogHandler, Sendable {
  private let state = Mutex((lines: [String](), waiting: [(text: String, signal: Signal)]()))

  var logger: Logger { Logger(label: "test", factory: { _ in self }) }
  var logLevel: Logger.Level {
    get { .debug }
    set {}
  }
  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  subscript(metadataKey _: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  func hasSaid(_ text: String) -> Bool {
    state.withLock { $0.lines.contains { $0.contains(text) } }
  }

  /// Returns when a line that was logged since the beginning holds the text.
  func says(_ text: String) async throws {
    let signal = Signal()
    state.withLock { state in
      if state.lines.contains(where: { $0.contains(text) }) { return signal.raise() }
      state.waiting.append((text, signal))
    }
    await signal.raised()
    try Task.checkCancellation()
  }

  func log(event: LogEvent) { note(event.message.description) }

  func log(
    level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, source: String, file: String,
    function: String, line: UInt
  ) {
    note(message.description)
  }

  private func note(_ line: String) {
    state.withLock { state in
      state.lines.append(line)
      for waiting in state.waiting where line.contains(waiting.text) { waiting.signal.raise() }
    }
  }
}

/// Waits for how far a worker lags behind.
final class LagWatcher: Sendable {
  typealias Condition = @Sendable ([Int32: Int64]) -> Bool
  private let waiting = Mutex<[(isMet: Condition, signal: Signal)]>([])

  func note(_ lags: [Int32: Int64]) {
    waiting.withLock { waiting in
      for one in waiting where one.isMet(lags) { one.signal.raise() }
    }
  }

  /// Returns when the partitions' lags meet the condition.
  func meets(_ condition: @escaping Condition) async throws {
    let signal = Signal()
    waiting.withLock { $0.append((condition, signal)) }
    await signal.raised()
    try Task.checkCancellation()
  }
}

/// Counts what a worker has published.
final class PublishedCount: ProgressObserver {
  private let state = Mutex((jobs: 0, letters: 0, waiting: [(count: Int, signal: Signal)]()))

  var jobs: Int { state.withLock(\.jobs) }
  var letters: Int { state.withLock(\.letters) }

  func observe(_ event: ProgressEvent) {
    guard case .published(let outcome) = event else { return }
    state.withLock { state in
      state.jobs += 1
      if case .rejected = outcome { state.letters += 1 }
      for waiting in state.waiting where waiting.count <= state.jobs { waiting.signal.raise() }
    }
  }

  /// Returns when so many jobs have been published.
  func reaches(_ count: Int) async throws {
    let signal = Signal()
    state.withLock { state in
      if state.jobs >= count { return signal.raise() }
      state.waiting.append((count, signal))
    }
    await signal.raised()
    try Task.checkCancellation()
  }
}
