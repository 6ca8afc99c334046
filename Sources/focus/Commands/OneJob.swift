import Answering
import Synchronization

/// A source of one job.
final class OneJob: JobSource {
  private let job: Mutex<Job?>

  init(_ job: Job) {
    self.job = Mutex(job)
  }

  func next() async throws -> Delivery? {
    job.withLock { job in
      defer { job = nil }
      return job.map {
        Delivery(sequence: 0, origin: .line(file: "command line", number: 1), content: .success($0))
      }
    }
  }

  func finish(_ delivery: Delivery) async throws {}
}
