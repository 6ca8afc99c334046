import Dispatch

/// Runs an actor on a queue of its own, so that its blocking calls hold up no thread of Swift's cooperative pool: a
/// broker, a pipe's writer, or a disk that is asked to synchronise, can take seconds.
package final class BlockingExecutor: SerialExecutor {
  private let queue: DispatchQueue

  package init(name: String) {
    queue = DispatchQueue(label: name)
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
