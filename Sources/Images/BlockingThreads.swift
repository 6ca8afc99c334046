import BlockingCalls

/// A few named threads for what blocks: a handful of slow servers would stop the whole process in Swift's cooperative
/// pool.
final class BlockingThreads: Sendable {
  private let queue: WorkQueue<@Sendable () -> Void>

  /// - Parameters:
  ///   - name: what debuggers show, at most 12 characters.
  ///   - count: work done at once.
  ///   - atEnd: runs on each thread before it ends, for what a C library keeps for each thread.
  init(name: String, count: Int, atEnd: @escaping @Sendable () -> Void = {}) {
    queue = WorkQueue(name, threads: count) { queue in
      while let work = queue.next() { work() }
      atEnd()
    }
  }

  deinit { queue.end() }

  /// Runs blocking work on one of the threads, in order of arrival.
  ///
  /// Cancelling the task abandons work that has not begun, and raises the flag for work that has; either way the
  /// call throws `CancellationError`.
  func run<Value: Sendable>(
    _ work: @escaping @Sendable (CancellationFlag) throws -> Value
  ) async throws -> Value {
    let flag = CancellationFlag()
    let caller = WaitingCaller<Value>()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        caller.wait(continuation)
        queue.add {
          if !flag.isCancelled { caller.resume(Result { try work(flag) }) }
        }
      }
    } onCancel: {
      flag.cancel()
      caller.resume(.failure(CancellationError()))
    }
  }
}
