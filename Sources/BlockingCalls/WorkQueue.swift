import Dispatch
import Synchronization

/// First in, first out between any callers and a few named threads that live as long as the queue is open: C calls block,
/// and Swift's cooperative pool has one thread for each core.
package final class WorkQueue<Work: Sendable>: Sendable {
  private struct State {
    var work: [Work] = []
    /// How many of `work`, from its front, are done or under way.
    var begun = 0
    var isOpen = true
    var threads: Int
    var waiting: [CheckedContinuation<Void, Never>] = []

    mutating func takeWaiting() -> [CheckedContinuation<Void, Never>] {
      defer { waiting = [] }
      return waiting
    }
  }

  private let state: Mutex<State>
  private let available = DispatchSemaphore(value: 0)
  private let threads: Int

  /// - Parameters:
  ///   - name: of the threads, before their numbers; at most 12 characters.
  ///   - threads: at least one is made.
  ///   - body: what each thread runs. It ends after `next` has answered nil.
  package init(_ name: String, threads: Int, _ body: @escaping @Sendable (WorkQueue) -> Void) {
    let threads = max(1, threads)
    self.threads = threads
    state = Mutex(State(threads: threads))
    for number in 1...threads {
      _ = NamedThread("\(name)-\(number)") { [self] in
        body(self)
        threadEnded()
      }
    }
  }

  /// False where the queue has ended.
  @discardableResult
  package func add(_ work: Work) -> Bool {
    let isAdded = state.withLock { state in
      if state.isOpen { state.work.append(work) }
      return state.isOpen
    }
    if isAdded { available.signal() }
    return isAdded
  }

  /// Blocks until there is work; nil when the queue has ended and nothing is left to do.
  package func next() -> Work? {
    available.wait()
    return state.withLock { state in
      guard state.begun < state.work.count else { return nil }
      let work = state.work[state.begun]
      state.begun += 1
      // What has begun is let go, now and then, so that a queue that is never empty does not grow.
      if state.begun == state.work.count || state.begun > 64 {
        state.work = Array(state.work.dropFirst(state.begun))
        state.begun = 0
      }
      return work
    }
  }

  /// Takes no more work; the threads end once they have done what is there.
  package func end() {
    let wasOpen = state.withLock { state in
      defer { state.isOpen = false }
      return state.isOpen
    }
    if wasOpen { for _ in 0..<threads { available.signal() } }
  }

  /// Returns when the threads have ended.
  package func ended() async {
    await withCheckedContinuation { continuation in
      let hasEnded = state.withLock { state in
        if state.threads > 0 { state.waiting.append(continuation) }
        return state.threads == 0
      }
      if hasEnded { continuation.resume() }
    }
  }

  /// Lets go of those who wait for the end.
  package func stopWaiting() {
    for continuation in state.withLock({ $0.takeWaiting() }) { continuation.resume() }
  }

  private func threadEnded() {
    let waiting = state.withLock { state in
      state.threads -= 1
      return state.threads == 0 ? state.takeWaiting() : []
    }
    for continuation in waiting { continuation.resume() }
  }
}
