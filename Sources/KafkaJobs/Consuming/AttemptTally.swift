import Answering
import Logging

/// Counts attempts in a store that may fail: then every attempt is taken for the first, and answers go on.
actor AttemptTally {
  /// Ended jobs that are told together.
  private static let toldTogether = 64

  private let counts: any AttemptCounts
  private let log: Logger
  private var ended: [JobKey] = []
  private var isFailing = false

  init(_ counts: any AttemptCounts, log: Logger) {
    self.counts = counts
    self.log = log
  }

  /// How often each job was begun, this time included.
  func begin(_ jobs: [JobKey]) async -> [Int] {
    await tellEnded()
    return await working { try await counts.begin(jobs) } ?? jobs.map { _ in 1 }
  }

  func ended(_ job: JobKey) async {
    ended.append(job)
    if ended.count >= Self.toldTogether { await tellEnded() }
  }

  func withdraw(_ jobs: [JobKey]) async {
    if jobs.isEmpty { return }
    // In a task of its own: the caller's may be cancelled, and orderly restarts must exhaust no job.
    await Task { _ = await working { try await counts.withdraw(jobs) } }.value
  }

  func close() async { await tellEnded() }

  private func tellEnded() async {
    if ended.isEmpty { return }
    let told = ended
    ended = []
    _ = await working { try await counts.end(told) }
  }

  private func working<Value: Sendable>(_ work: () async throws -> Value) async -> Value? {
    do {
      let value = try await work()
      if isFailing { log.info("attempts are counted again") }
      isFailing = false
      return value
    } catch {
      if !isFailing, !Task.isCancelled { log.warning("attempts cannot be counted, jobs go on: \(error)") }
      isFailing = !Task.isCancelled
      return nil
    }
  }
}
