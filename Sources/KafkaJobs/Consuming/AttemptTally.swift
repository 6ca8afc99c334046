import Answering
import Logging

/// Counts attempts in a store that may fail: then every attempt is taken for the first, and answers go on.
///
/// Each call goes to its end in a task of its own, also where the caller's is cancelled: what is taken back must have
/// been counted before, and orderly restarts must exhaust no job.
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
    return await working { [counts] in try await counts.begin(jobs) } ?? jobs.map { _ in 1 }
  }

  func ended(_ job: JobKey) async {
    ended.append(job)
    if ended.count >= Self.toldTogether { await tellEnded() }
  }

  func withdraw(_ jobs: [JobKey]) async {
    if jobs.isEmpty { return }
    _ = await working { [counts] in try await counts.withdraw(jobs) }
  }

  func close() async { await tellEnded() }

  private func tellEnded() async {
    if ended.isEmpty { return }
    let told = ended
    ended = []
    _ = await working { [counts] in try await counts.end(told) }
  }

  private func working<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value
  ) async -> Value? {
    do {
      let value = try await Task { try await work() }.value
      if isFailing { log.info("attempts are counted again") }
      isFailing = false
      return value
    } catch {
      if !isFailing { log.warning("attempts cannot be counted, jobs go on: \(error)") }
      isFailing = true
      return nil
    }
  }
}
