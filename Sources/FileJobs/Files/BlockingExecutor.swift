import Dispatch

/// Runs an actor on a queue of its own, so that its blocking file calls hold up no thread of Swift's
/// cooperative pool: a pipe's writer, or a disk that is asked to synchronise, can take seconds.
final class BlockingExecutor: SerialExecutor {
  private let queue: DispatchQueue

  init(name: String) {
    queue = DispatchQueue(label: name)
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
