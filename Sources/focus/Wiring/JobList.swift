import Answering
import Synchronization

/// A source of jobs that are there already.
final class JobList: JobSource {
  private let jobs: [Job]
  private let given = Atomic(0)

  /// The share of the jobs that was given out.
  var share: Double { jobs.isEmpty ? 1 : min(1, Double(given.load(ordering: .relaxed)) / Double(jobs.count)) }

  init(_ jobs: [Job]) {
    self.jobs = jobs
  }

  func next() async throws -> Delivery? {
    let index = given.load(ordering: .relaxed)
    guard index < jobs.count else { return nil }
    given.store(index + 1, ordering: .relaxed)
    return Delivery(
      sequence: index, origin: .line(file: "command line", number: index + 1), content: .success(jobs[index]))
  }

  func finish(_ delivery: Delivery) async throws {}
}
