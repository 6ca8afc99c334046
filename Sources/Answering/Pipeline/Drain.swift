import Synchronization

/// Asks a run to stop reading and to finish what is in flight.
///
/// `begin` may be called from anywhere, any number of times, before or during the run.
public final class Drain: Sendable {
  private struct State {
    var hasBegun = false
    var tickets = 0
    var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
  }

  private let state = Mutex(State())

  public init() {}

  public var hasBegun: Bool { state.withLock(\.hasBegun) }

  public func begin() {
    let waiting = state.withLock { state in
      state.hasBegun = true
      defer { state.waiting = [:] }
      return state.waiting
    }
    for continuation in waiting.values { continuation.resume() }
  }

  /// Returns when the drain begins, or when the task is cancelled.
  func begun() async {
    let ticket = state.withLock { state in
      state.tickets += 1
      return state.tickets
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let mustWait = state.withLock { state in
          if state.hasBegun || Task.isCancelled { return false }
          state.waiting[ticket] = continuation
          return true
        }
        if !mustWait { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume()
    }
  }

  /// What became of an operation that a drain may stop.
  enum Ending<Value: Sendable>: Sendable {
    case done(Value)
    case stopped
  }

  /// Runs `operation`. Once the drain begins it is cancelled and waited for; it may still have ended well.
  func unlessBegun<Value: Sendable>(
    _ operation: @escaping @Sendable () async throws -> Value
  ) async throws -> Ending<Value> {
    if hasBegun { return .stopped }
    return try await withThrowingTaskGroup(of: Ending<Value>.self) { group in
      group.addTask { .done(try await operation()) }
      group.addTask {
        await self.begun()
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
