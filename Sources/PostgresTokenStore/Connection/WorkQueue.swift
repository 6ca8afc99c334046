import Dispatch
import Foundation
import Synchronization

/// First in, first out between any callers and a few threads that live as long as the queue is open.
final class WorkQueue: Sendable {
  typealias Work = @Sendable (inout Link) -> Void

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

  /// - Parameter body: what each thread runs, with its number from 1. It ends after `next` has answered nil.
  init(threads: Int, _ body: @escaping @Sendable (Int, WorkQueue) -> Void) {
    self.threads = threads
    state = Mutex(State(threads: threads))
    for number in 1...threads {
      let thread = Thread { [self] in
        body(number, self)
        threadEnded()
      }
      thread.stackSize = 1 << 20
      thread.start()
    }
  }

  /// False where the queue has ended.
  func add(_ work: @escaping Work) -> Bool {
    let isAdded = state.withLock { state in
      if state.isOpen { state.work.append(work) }
      return state.isOpen
    }
    if isAdded { available.signal() }
    return isAdded
  }

  /// Blocks until there is work; nil when the queue has ended and nothing is left to do.
  func next() -> Work? {
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
  func end() {
    let wasOpen = state.withLock { state in
      defer { state.isOpen = false }
      return state.isOpen
    }
    if wasOpen { for _ in 0..<threads { available.signal() } }
  }

  /// Returns when the threads have ended.
  func ended() async {
    await withCheckedContinuation { continuation in
      let hasEnded = state.withLock { state in
        if state.threads > 0 { state.waiting.append(continuation) }
        return state.threads == 0
      }
      if hasEnded { continuation.resume() }
    }
  }

  /// Lets go of those who wait for the end.
  func stopWaiting() {
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

/// What debuggers and `top` show. Foundation's own name reaches the system only sometimes on Linux, and glibc's
/// call for it is hidden from Swift.
enum ThreadName {
  static func set(_ name: String) {
    #if os(Linux)
      let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
      guard file >= 0 else { return }
      _ = write(file, name, name.utf8.count)
      close(file)
    #else
      pthread_setname_np(name)
    #endif
  }
}
