import Synchronization

/// A bounded amount (turns at the model, bytes of memory) that jobs in flight share.
///
/// Jobs that must wait are served lowest rank first, so results come out roughly in reading order and no
/// large request starves behind small ones.
final class Allowance: Sendable {
  private struct Waiter {
    var ticket: Int
    var rank: Int
    var amount: Int
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var free: Int
    var tickets = 0
    /// Lowest rank first.
    var waiting: [Waiter] = []

    mutating func insert(_ waiter: Waiter) {
      let index = waiting.firstIndex { $0.rank > waiter.rank } ?? waiting.endIndex
      waiting.insert(waiter, at: index)
    }

    /// Takes out the waiters whose turn it is.
    mutating func served() -> [Waiter] {
      var served: [Waiter] = []
      while let first = waiting.first, first.amount <= free {
        free -= first.amount
        served.append(waiting.removeFirst())
      }
      return served
    }
  }

  let total: Int
  private let state: Mutex<State>

  init(_ total: Int) {
    self.total = max(1, total)
    state = Mutex(State(free: self.total))
  }

  /// A share to take and give back; more than the total waits for all of it.
  func share(_ amount: Int, rank: Int) -> Share {
    Share(of: self, amount: min(max(0, amount), total), rank: rank)
  }

  /// Throws `CancellationError` where the task is cancelled while it waits.
  fileprivate func take(_ amount: Int, rank: Int) async throws {
    let ticket = state.withLock { state in
      state.tickets += 1
      return state.tickets
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result: Result<Void, any Error>? = state.withLock { state in
          // Cancelled before it waits: the handler below has nobody to resume.
          if Task.isCancelled { return .failure(CancellationError()) }
          if state.waiting.isEmpty, amount <= state.free {
            state.free -= amount
            return .success(())
          }
          state.insert(Waiter(ticket: ticket, rank: rank, amount: amount, continuation: continuation))
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let (cancelled, served) = state.withLock { state -> (Waiter?, [Waiter]) in
        guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return (nil, []) }
        return (state.waiting.remove(at: index), state.served())
      }
      cancelled?.continuation.resume(throwing: CancellationError())
      for waiter in served { waiter.continuation.resume() }
    }
  }

  fileprivate func give(_ amount: Int) {
    let served = state.withLock { state in
      state.free += amount
      return state.served()
    }
    for waiter in served { waiter.continuation.resume() }
  }
}

/// One job's part of an allowance. Used by one task only.
final class Share {
  private let allowance: Allowance
  private let amount: Int
  private let rank: Int
  private var isTaken = false

  fileprivate init(of allowance: Allowance, amount: Int, rank: Int) {
    self.allowance = allowance
    self.amount = amount
    self.rank = rank
  }

  /// Waits for the share; nothing where it is taken already.
  func take() async throws {
    if isTaken { return }
    try await allowance.take(amount, rank: rank)
    isTaken = true
  }

  /// Gives the share back; nothing where it is not taken.
  func give() {
    if isTaken { allowance.give(amount) }
    isTaken = false
  }
}
