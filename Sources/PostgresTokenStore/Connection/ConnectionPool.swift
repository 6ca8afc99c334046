import BlockingCalls

/// A bounded number of connections, each with a named thread of its own: libpq blocks, and Swift's cooperative
/// pool has one thread for each core. A thread shares its connection with nobody.
final class ConnectionPool: Sendable {
  let settings: ConnectionSettings
  private let queue: WorkQueue<@Sendable (inout Link) -> Void>

  /// How long past its deadline a caller waits for the thread's own word.
  private static let grace = Duration.seconds(1)

  /// - Parameter connections: open at once, at most; none is opened before it is needed.
  init(_ settings: ConnectionSettings, connections: Int) {
    self.settings = settings
    let route = Route(settings)
    queue = WorkQueue("postgres", threads: connections) { queue in
      var link = Link(route)
      while let work = queue.next() { work(&link) }
    }
  }

  deinit { queue.end() }

  /// Runs `work` on one of the threads, in order of arrival.
  ///
  /// Throws what `work` throws; `PostgresError.timedOut` soon after the limit, however busy the threads or dead
  /// the network; `CancellationError` at once where the task is cancelled. Work that has begun then ends by itself.
  ///
  /// - Parameter isRepeatable: whether `work` may run a second time where a connection broke in it.
  func run<Value: Sendable>(
    within limit: Duration, isRepeatable: Bool = true,
    _ work: @escaping @Sendable (Connection, Deadline) throws -> Value
  ) async throws -> Value {
    let deadline = Deadline(limit)
    let caller = WaitingCaller<Value>()
    let timer = Task {
      try await Task.sleep(until: deadline.instant + Self.grace)
      deadline.abandon()
      caller.resume(.failure(PostgresError.timedOut(after: limit)))
    }
    defer { timer.cancel() }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        caller.wait(continuation)
        let isQueued = queue.add { link in
          if deadline.isAbandoned { return }
          caller.resume(Result { try link.perform(isRepeatable: isRepeatable, deadline, work) })
        }
        if !isQueued { caller.resume(.failure(PostgresError.closed)) }
      }
    } onCancel: {
      deadline.abandon()
      caller.resume(.failure(CancellationError()))
    }
  }

  /// Takes no more work, and returns when what was there is done and the connections are closed, or after `limit`.
  func close(within limit: Duration) async {
    queue.end()
    let timer = Task {
      try await Task.sleep(for: limit)
      queue.stopWaiting()
    }
    await queue.ended()
    timer.cancel()
  }
}
