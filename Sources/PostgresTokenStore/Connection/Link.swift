import Synchronization

/// A thread's way to the database: its connection, made when first needed and made again when lost.
struct Link: ~Copyable {
  private let route: Route
  private var connection: Connection?

  init(_ route: Route) {
    self.route = route
  }

  /// Runs `work` on a connection.
  ///
  /// - Parameter isRepeatable: whether `work` may run twice. Then a connection that was open before and broke
  ///   meanwhile costs nothing: the work is done again on a new one.
  mutating func perform<Value>(
    isRepeatable: Bool, _ deadline: Deadline, _ work: (Connection, Deadline) throws -> Value
  ) throws -> Value {
    if let open = connection, !open.isAlive { connection = nil }
    let isOld = connection != nil
    do {
      return try performOnce(deadline, work)
    } catch let error as PostgresError where error.isConnectionLoss && isRepeatable && isOld {
      return try performOnce(deadline, work)
    }
  }

  private mutating func performOnce<Value>(
    _ deadline: Deadline, _ work: (Connection, Deadline) throws -> Value
  ) throws -> Value {
    let connection = try connection ?? route.connect()
    self.connection = connection
    // What is under way when an error is thrown would meet the next one's answers.
    defer { if !connection.isIdle { self.connection = nil } }
    return try work(connection, deadline)
  }
}

/// Where connections lead, and whether it makes sense to try: shared by a pool's threads.
final class Route: Sendable {
  let settings: ConnectionSettings
  private let state = Mutex((backoff: Backoff(), failure: PostgresError?.none))

  init(_ settings: ConnectionSettings) {
    self.settings = settings
  }

  /// A new connection. Throws `PostgresError.unreachable`: soon where the last try was moments ago, else after
  /// `connect_timeout` for each host.
  func connect() throws -> Connection {
    if let failure = state.withLock({ $0.backoff.mayTry(at: .now) ? nil : $0.failure }) { throw failure }
    do {
      let connection = try Connection(settings)
      state.withLock { $0 = (Backoff(), nil) }
      return connection
    } catch let error as PostgresError {
      state.withLock { state in
        state.backoff.failed(at: .now)
        state.failure = error
      }
      throw error
    }
  }
}
