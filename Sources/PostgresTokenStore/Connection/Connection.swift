import Answering
import CPostgres
import Foundation

/// One connection, owned and used by one thread.
///
/// Statements are sent unprepared: behind a pooler that lends a server connection for one transaction only, a
/// prepared statement would be missing at the next one, and beside a blob of a megabyte the parsing costs nothing.
/// All waiting is done here with `poll`, so that it ends at the deadline whatever the network does. Connecting
/// is libpq's own, since only that goes on to the next host by itself; `connect_timeout` bounds it.
final class Connection {
  private let handle: OpaquePointer
  private let settings: ConnectionSettings

  /// How long past the deadline the server's own word (it has been told the same limit) is waited for.
  private static let grace = Duration.milliseconds(500)
  /// How soon a wait finds out that its caller has gone, in milliseconds.
  private static let glance = 50

  /// Connects; blocks for as long as `connect_timeout` allows each host.
  init(_ settings: ConnectionSettings) throws {
    let keywords = settings.options.keys.map { $0 }
    let made = withCStrings(keywords) { keywords in
      withCStrings(settings.options.values.map { $0 }) { PQconnectdbParams(keywords, $0, 0) }
    }
    guard let made else { throw PostgresError.unreachable(database: settings.database, reason: "no memory") }
    guard PQstatus(made) == CONNECTION_OK, PQsetnonblocking(made, 1) == 0 else {
      let reason = settings.redacted(String(cString: PQerrorMessage(made)))
      PQfinish(made)
      throw PostgresError.unreachable(database: settings.database, reason: reason)
    }
    // Notices would go to standard error.
    PQsetNoticeReceiver(made, { _, _ in }, nil)
    handle = made
    self.settings = settings
  }

  deinit { PQfinish(handle) }

  /// Whether the server is still there, as far as can be told without asking it.
  var isAlive: Bool { PQconsumeInput(handle) == 1 && PQstatus(handle) == CONNECTION_OK }

  /// Whether nothing is under way: no statement, no transaction.
  var isIdle: Bool {
    PQstatus(handle) == CONNECTION_OK && PQtransactionStatus(handle) == PQTRANS_IDLE
      && PQpipelineStatus(handle) == PQ_PIPELINE_OFF
  }

  /// The server's version, as 150018 for 15.18.
  var serverVersion: Int { Int(PQserverVersion(handle)) }

  /// Runs the statements as one transaction, in one round trip (libpq's pipeline mode), and returns the result
  /// of each. The server is told the time limit in the same transaction: a setting of the session would be left
  /// behind in a pooler's connection. Inside a transaction that `script` began they become part of it.
  ///
  /// Throws `PostgresError`, or `CancellationError` where the deadline was abandoned. Where the connection is not
  /// idle then, it can be used no more.
  func run(_ statements: [Statement], _ deadline: Deadline) throws -> [QueryResult] {
    let limit = Statement(
      "SELECT set_config('statement_timeout', $1, true)",
      [.text(String(max(1, deadline.remaining.milliseconds)))])
    let statements = [limit] + statements
    guard PQenterPipelineMode(handle) == 1 else { throw lost() }
    for statement in statements { try send(statement) }
    guard PQpipelineSync(handle) == 1 else { throw lost() }
    try flush(deadline)
    var results: [QueryResult] = []
    var refusal: PostgresError?
    for _ in statements {
      // Each statement's result is followed by an empty one.
      while let result = try nextResult(deadline) {
        switch result.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: results.append(result)
        // Not run, because one before it was refused.
        case PGRES_PIPELINE_ABORTED: break
        default: refusal = refusal ?? refused(result, deadline)
        }
      }
    }
    guard let end = try nextResult(deadline), end.status == PGRES_PIPELINE_SYNC,
      PQexitPipelineMode(handle) == 1
    else { throw refusal.flatMap { $0.isConnectionLoss ? $0 : nil } ?? lost() }
    if let refusal { throw refusal }
    guard results.count == statements.count else {
      throw PostgresError.unexpectedAnswer("\(results.count) results of \(statements.count) statements")
    }
    return Array(results.dropFirst())
  }

  /// Runs a text of any number of statements; their results are dropped. `BEGIN` in it begins a transaction that
  /// lasts until the script that ends it.
  func script(_ sql: String, _ deadline: Deadline) throws {
    guard PQsendQuery(handle, sql) == 1 else { throw lost() }
    try flush(deadline)
    var refusal: PostgresError?
    while let result = try nextResult(deadline) {
      switch result.status {
      case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: break
      default: refusal = refusal ?? refused(result, deadline)
      }
    }
    if let refusal { throw refusal }
  }

  // MARK: Sending and waiting

  private func send(_ statement: Statement) throws {
    let values = statement.parameters.map(\.encoded)
    let types = statement.parameters.map { Oid($0.type) }
    let lengths = values.map { Int32(clamping: $0.count) }
    let formats = [Int32](repeating: 1, count: values.count)
    let isSent = withPointers(values) { pointers in
      PQsendQueryParams(
        handle, statement.sql, Int32(clamping: values.count), types, pointers, lengths, formats, 1)
    }
    guard isSent == 1 else { throw lost() }
  }

  /// Sends what is waiting to be sent, reading meanwhile: a server with a full outgoing queue reads nothing.
  private func flush(_ deadline: Deadline) throws {
    while true {
      switch PQflush(handle) {
      case 0: return
      case 1:
        if try wait(for: Int16(POLLIN | POLLOUT), deadline) & Int16(POLLIN) != 0, PQconsumeInput(handle) != 1
        {
          throw lost()
        }
      default: throw lost()
      }
    }
  }

  private func nextResult(_ deadline: Deadline) throws -> QueryResult? {
    while PQisBusy(handle) == 1 {
      _ = try wait(for: Int16(POLLIN), deadline)
      guard PQconsumeInput(handle) == 1 else { throw lost() }
    }
    return PQgetResult(handle).map(QueryResult.init)
  }

  /// Waits for the socket; answers which of the events came.
  private func wait(for events: Int16, _ deadline: Deadline) throws -> Int16 {
    while true {
      var socket = pollfd(fd: PQsocket(handle), events: events, revents: 0)
      guard socket.fd >= 0 else { throw lost() }
      if deadline.isAbandoned { throw CancellationError() }
      let left = deadline.instant + Self.grace - .now
      guard left > .zero else { throw PostgresError.timedOut(after: deadline.limit) }
      if poll(&socket, 1, Int32(min(Self.glance, left.milliseconds))) > 0 { return socket.revents }
    }
  }

  private func lost() -> PostgresError {
    .connectionLost(settings.redacted(String(cString: PQerrorMessage(handle))))
  }

  private func refused(_ result: QueryResult, _ deadline: Deadline) -> PostgresError {
    let message = settings.redacted(result.message)
    // Canceled by `statement_timeout`.
    if result.state == "57014" { return .timedOut(after: deadline.limit) }
    return result.state.isEmpty ? .connectionLost(message) : .refused(state: result.state, message: message)
  }
}

/// Lends C strings, with a null pointer after the last.
private func withCStrings<Value>(
  _ texts: [String], _ body: ([UnsafePointer<CChar>?]) -> Value
) -> Value {
  let copies = texts.map { strdup($0) }
  defer { for copy in copies { free(copy) } }
  return body(copies.map { UnsafePointer($0) } + [nil])
}

/// Lends the bytes of all values at once; an empty value has a pointer, too: a null one would be a null.
private func withPointers<Value>(
  _ values: [Data], _ body: ([UnsafePointer<CChar>?]) -> Value
) -> Value {
  func lend(_ rest: ArraySlice<Data>, _ pointers: [UnsafePointer<CChar>?]) -> Value {
    guard let first = rest.first else { return body(pointers) }
    return first.withUnsafeBytes { bytes in
      withUnsafePointer(to: CChar(0)) { empty in
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        return lend(rest.dropFirst(), pointers + [start ?? empty])
      }
    }
  }
  return lend(values[...], [])
}
