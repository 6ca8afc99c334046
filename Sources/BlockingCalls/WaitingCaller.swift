import Synchronization

/// Resumes a suspended caller once, with whichever comes first: the work, its deadline or the cancellation.
package final class WaitingCaller<Value: Sendable>: Sendable {
  private enum State {
    case early
    case waiting(CheckedContinuation<Value, any Error>)
    case resumed(Result<Value, any Error>)
  }

  private let state = Mutex(State.early)

  package init() {}

  package func wait(_ caller: CheckedContinuation<Value, any Error>) {
    let result = state.withLock { state -> Result<Value, any Error>? in
      if case .resumed(let result) = state { return result }
      state = .waiting(caller)
      return nil
    }
    if let result { caller.resume(with: result) }
  }

  package func resume(_ result: Result<Value, any Error>) {
    let caller = state.withLock { state -> CheckedContinuation<Value, any Error>? in
      switch state {
      case .early:
        state = .resumed(result)
        return nil
      case .waiting(let caller):
        // Nobody asks for the result again: let go of a blob.
        state = .resumed(.failure(CancellationError()))
        return caller
      case .resumed:
        return nil
      }
    }
    caller?.resume(with: result)
  }
}
