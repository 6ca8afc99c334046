import Synchronization

/// Lets jobs in flight on one image share one encode, or one look into the token store, as `ImageFlights` decides.
final class SharedEncodes: Sendable {
  /// What a waiting job is told.
  private enum Turn {
    case encode
    case ready(CompressedImage)
  }

  private typealias Waiter = CheckedContinuation<Turn, any Error>

  private struct State {
    var flights = ImageFlights<TokenKey>()
    var images: [TokenKey: CompressedImage] = [:]
    var waiting: [Int: Waiter] = [:]

    /// Takes the jobs' waiters out; a job that stopped waiting has none.
    mutating func waiters(
      _ jobs: [Int], _ turn: Result<Turn, any Error>
    ) -> [(Waiter, Result<Turn, any Error>)] {
      jobs.compactMap { job in waiting.removeValue(forKey: job).map { ($0, turn) } }
    }
  }

  private let state = Mutex(State())

  /// The compressed image: from `encode`, or from another job in flight that ran its own. The job keeps its
  /// claim on the image until `leave`, which must follow also when this throws.
  ///
  /// Throws what `encode` threw (this job's, or finally the one waited for), or `CancellationError`.
  func image(
    _ key: TokenKey, for job: Int, encode: () async throws -> CompressedImage
  ) async throws -> CompressedImage {
    switch try await turn(key, for: job) {
    case .ready(let image):
      return image
    case .encode:
      do {
        let image = try await encode()
        perform(on: key) { state in
          state.images[key] = image
          return state.flights.encoded(key, by: job)
        }
        return image
      } catch {
        // A rejection is about the image and holds for every job on it; anything else may pass.
        let isRetryable = !(error is Rejection) || Task.isCancelled
        perform(on: key, error: error) { $0.flights.failed(key, by: job, isRetryable: isRetryable) }
        throw error
      }
    }
  }

  /// The job has ended. Harmless for a job that never asked.
  func leave(_ key: TokenKey, job: Int) {
    perform(on: key) { $0.flights.leave(job, image: key) }
  }

  private func turn(_ key: TokenKey, for job: Int) async throws -> Turn {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: Waiter) in
        let answer: Result<Turn, any Error>? = state.withLock { state in
          // Cancelled before it waits: the handler below has nobody to resume.
          if Task.isCancelled { return .failure(CancellationError()) }
          let action = state.flights.join(job, image: key)
          if case .ready = action, let image = state.images[key] { return .success(.ready(image)) }
          if case .wait = action {
            state.waiting[job] = continuation
            return nil
          }
          return .success(.encode)
        }
        if let answer { continuation.resume(with: answer) }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: job) }?.resume(throwing: CancellationError())
    }
  }

  /// Tells the flights what happened, then resumes the jobs that it concerns, outside the lock.
  private func perform(
    on key: TokenKey, error: any Error = CancellationError(),
    _ event: (inout State) -> [ImageFlights<TokenKey>.Action]
  ) {
    let resumptions = state.withLock { state in
      event(&state).flatMap { action -> [(Waiter, Result<Turn, any Error>)] in
        switch action {
        case .wait: return []
        case .encode(let job): return state.waiters([job], .success(.encode))
        case .ready(let jobs):
          return state.images[key].map { state.waiters(jobs, .success(.ready($0))) } ?? []
        case .fail(let jobs): return state.waiters(jobs, .failure(error))
        case .forget(let key):
          state.images[key] = nil
          return []
        }
      }
    }
    for (waiter, turn) in resumptions { waiter.resume(with: turn) }
  }
}
