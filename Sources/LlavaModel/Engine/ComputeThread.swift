import BlockingCalls
import Foundation

/// Runs an actor's jobs on one thread of its own: ggml's calls block for seconds, and Swift's shared pool has as
/// few threads as there are cores.
///
/// `@unchecked Sendable`: the queue is touched only under the condition's lock.
final class ComputeThread: SerialExecutor, @unchecked Sendable {
  private let condition = NSCondition()
  private var queue: [UnownedJob] = []
  private var isStopped = false

  init(name: String) {
    _ = NamedThread(name, stackBytes: 8 << 20) { [self] in
      while let job = next() { job.runSynchronously(on: asUnownedSerialExecutor()) }
    }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    condition.withLock {
      queue.append(job)
      condition.signal()
    }
  }

  /// Ends the thread once its queue is empty. Nothing may be enqueued afterwards.
  func stop() {
    condition.withLock {
      isStopped = true
      condition.signal()
    }
  }

  /// The next job; nil when stopped.
  private func next() -> UnownedJob? {
    condition.withLock {
      while queue.isEmpty, !isStopped { condition.wait() }
      return queue.isEmpty ? nil : queue.removeFirst()
    }
  }
}
