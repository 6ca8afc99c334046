import Dispatch

/// Runs an actor on a queue of its own, so that librdkafka's blocking calls hold up no thread of Swift's cooperative
/// pool.
final class KafkaExecutor: SerialExecutor {
  private let queue: DispatchQueue

  init(name: String) {
    queue = DispatchQueue(label: name)
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
