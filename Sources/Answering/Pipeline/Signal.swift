import Synchronization

/// Something that happens once and that tasks wait for: a run is to be drained, a delivery is withdrawn.
///
/// `raise` may be called from anywhere, any number of times.
public final class Signal: Sendable {
  private struct State {
    var isRaised = false
    var tickets = 0
    var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
  }

  private let state = Mutex(State())

  public init() {}

  public var isRaised: Bool { state.withLock(\.isRaised) }

  public func raise() {
    let waiting = state.withLock { state in
      state.isRaised = true
      defer { state.waiting = [:] }
      return state.waiting
    }
    for continuation in waiting.values { continuation.resume() }
  }

  /// Returns when the signal is raised, or when the task is cancelled.
  public func raised() async {
    let ticket = state.withLock { state in
      state.tickets += 1
      return state.tickets
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let mustWait = state.withLock { state in
          if state.isRaised || Task.isCancelled { return false }
          state.waiting[ticket] = continuation
          return true
        }
        if !mustWait { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume()
    }
  }

  /// Waits at most this long. Throws `CancellationError` where the task is cancelled.
  public func raised(within limit: Duration) async throws {
    do {
      _ = try await unlessRaised { try await Task.sleep(for: limit) }
    } catch {
      // The sleep was cut short: by the signal, unless the caller itself is cancelled.
      try Task.checkCancellation()
    }
  }

  /// What became of an operation that a signal may stop.
  enum Ending<Value: Sendable>: Sendable {
    case done(Value)
    case stopped
  }

  /// Runs `operation`. Once the signal is raised it is cancelled and waited for; it may still have ended well.
  func unlessRaised<Value: Sendable>(
    _ operation: @escaping @Sendable () async throws -> Value
  ) async throws -> Ending<Value> {
    if isRaised { return .stopped }
    return try await withThrowingTaskGroup(of: Ending<Value>.self) { group in
      group.addTask { .done(try await operation()) }
      group.addTask {
        await self.raised()
        return .stopped
      }
      defer { group.cancelAll() }
      while let ending = try await group.next() {
        if case .done = ending { return ending }
        group.cancelAll()
      }
      return .stopped
    }
  }
}
