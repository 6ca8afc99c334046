import Foundation
import Synchronization

/// A real PostgreSQL of its own in a temporary folder, on a free loopback port and a socket in the folder.
///
/// It ends with the process that started it, however that ends: a shell stands between the two, reads commands
/// from a pipe, and stops the server and removes the folder when the pipe closes.
public final class PostgresServer: Sendable {
  public struct Failure: Error, CustomStringConvertible {
    public var description: String
  }

  public let port: Int
  public let folder: String
  private let binaries: String
  private let commands = Pipe()
  private let answers = Pipe()
  private let shell = Process()
  private let databases = Atomic(0)

  private static let shared = SharedServer()

  /// The server that all tests of the process share: each makes a database of its own.
  public static func shared() async throws -> PostgresServer { try await shared.server() }

  /// Starts one for a test alone, which may kill it.
  ///
  /// - Parameter fileKilobytes: no file of the server may grow beyond; stands for a disk that is full.
  public static func start(fileKilobytes: Int? = nil) async throws -> PostgresServer {
    let server = try PostgresServer(fileKilobytes: fileKilobytes)
    try await server.expect("ready")
    return server
  }

  private init(fileKilobytes: Int?) throws {
    binaries = try Self.findBinaries()
    port = try freePort()
    folder = FileManager.default.temporaryDirectory.appending(path: "focus-pg-\(UUID().uuidString)").path
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = [
      "-c", Self.script, "postgres-of-a-test", binaries, folder, String(port),
      fileKilobytes.map(String.init) ?? "unlimited",
    ]
    shell.standardInput = commands
    shell.standardOutput = answers
    shell.standardError = FileHandle.nullDevice
    // In another program that a test starts, it would keep the server alive.
    _ = fcntl(commands.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
    try shell.run()
  }

  deinit { try? commands.fileHandleForWriting.close() }

  // MARK: What tests do with it

  /// Makes an empty database, owned by the user `focus`, and returns its URL over TCP, with the password.
  public func makeDatabase(through port: Int? = nil) async throws -> String {
    let name = "test_\(databases.add(1, ordering: .relaxed).newValue)"
    _ = try await sql("CREATE DATABASE \(name) OWNER focus", in: "postgres")
    return url(name, through: port)
  }

  /// - Parameters:
  ///   - port: a proxy's.
  ///   - connectTimeout: seconds; a test that wants none is to fail on no busy machine.
  public func url(
    _ database: String, through port: Int? = nil, user: String = "focus", connectTimeout: Int = 60
  ) -> String {
    "postgres://\(user):\(Self.password)@127.0.0.1:\(port ?? self.port)/\(database)"
      + "?connect_timeout=\(connectTimeout)"
  }

  /// What `focus`'s URLs hold as password, percent-encoded there; `password` is what must not be told.
  public static let password = "s3cret%2Fword"
  public static let plainPassword = "s3cret/word"

  /// The database that a URL of this server names.
  public func name(of url: String) -> String {
    String((url.split(separator: "/").last ?? "").prefix { $0 != "?" })
  }

  /// Runs SQL as the superuser, and returns what it printed: values separated by `|`, a row a line.
  public func sql(_ text: String, in database: String) async throws -> String {
    let (binaries, folder, port) = (binaries, folder, port)
    return try await onThread {
      let psql = Process()
      let (output, errors) = (Pipe(), Pipe())
      psql.executableURL = URL(filePath: binaries + "/psql")
      psql.arguments = [
        "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", folder, "-p", String(port), "-U", "postgres", "-d", database,
        "-c", text,
      ]
      psql.standardInput = FileHandle.nullDevice
      psql.standardOutput = output
      psql.standardError = errors
      try psql.run()
      let said = try output.fileHandleForReading.readToEnd() ?? Data()
      let complaint = try errors.fileHandleForReading.readToEnd() ?? Data()
      psql.waitUntilExit()
      guard psql.terminationStatus == 0 else {
        throw Failure(description: "psql: \(String(decoding: complaint, as: UTF8.self))")
      }
      return String(decoding: said, as: UTF8.self).trimmingCharacters(in: .newlines)
    }
  }

  /// Ends all its processes at once, as a power failure would.
  public func kill9() async throws {
    try command("kill")
    try await expect("killed")
  }

  /// Starts it again after `kill9`.
  public func startAgain() async throws {
    try command("start")
    try await expect("ready")
  }

  /// Stops the server and removes its folder; returns when both are gone.
  public func stop() async throws {
    try commands.fileHandleForWriting.close()
    try await onThread { [shell] in shell.waitUntilExit() }
  }

  // MARK: The shell between

  private func command(_ line: String) throws {
    try commands.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8))
  }

  private func expect(_ line: String) async throws {
    let answers = answers
    let said = try await onThread {
      var said = ""
      // The shell says one line for each command.
      while !said.hasSuffix("\n") {
        guard let byte = try answers.fileHandleForReading.read(upToCount: 1), !byte.isEmpty else { break }
        said += String(decoding: byte, as: UTF8.self)
      }
      return said.trimmingCharacters(in: .newlines)
    }
    guard said == line else {
      throw Failure(description: "PostgreSQL did not start or stop in \(folder): \(said)")
    }
  }

  private static func findBinaries() throws -> String {
    let root = "/usr/lib/postgresql"
    let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap(Int.init)
      .sorted()
    let folders = versions.reversed().map { "\(root)/\($0)/bin" } + ["/opt/homebrew/bin", "/usr/local/bin"]
    let found = folders.first { FileManager.default.isExecutableFile(atPath: $0 + "/initdb") }
    guard let found else {
      throw Failure(
        description: "these tests need PostgreSQL's server: script/bootstrap --checks installs it "
          + "(looked into \(folders.joined(separator: ", ")))")
    }
    return found
  }

  /// PostgreSQL refuses to run as root: there the Debian package's user runs it. Durability is off, since the
  /// machine itself does not fail.
  private static let script = #"""
    bin=$1 folder=$2 port=$3 limit=$4
    if [ "$(id -u)" = 0 ]; then
      install -d -o postgres -m 755 "$folder" || exit 1
      user='setpriv --reuid=postgres --regid=postgres --clear-groups'
    else
      mkdir -m 755 "$folder" || exit 1
      user=
    fi
    # From here on no signal for the tests ends this shell before it has cleaned up.
    trap '' INT TERM HUP
    start() {
      (
        # POSIX counts in blocks of 512 bytes.
        [ "$limit" = unlimited ] || ulimit -f $((limit * 2))
        exec $user "$bin/postgres" -D "$folder/data" -k "$folder" -p "$port" \
          -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200 -c shared_buffers=16MB \
          -c restart_after_crash=on -c logging_collector=off
      ) </dev/null >>"$folder/log" 2>&1 &
      server=$!
      until "$bin/pg_isready" -q -h "$folder" -p "$port"; do
        kill -0 $server 2>/dev/null || return 1
        sleep 0.05
      done
    }
    # All descendants, which a killed server leaves behind for a moment.
    crash() {
      all="$server $(cat /proc/$server/task/$server/children 2>/dev/null)"
      kill -9 $all 2>/dev/null
      wait $server 2>/dev/null
      # One that nobody has asked after stays as a zombie, which holds nothing.
      for one in $all; do
        while grep -q '^State:.[^ZX]' /proc/$one/status 2>/dev/null; do sleep 0.02; done
      done
    }
    cd /
    printf '%s' 's3cret/word' >"$folder/password" && chmod 644 "$folder/password"
    $user "$bin/initdb" -D "$folder/data" -U postgres -E UTF8 --locale=C --no-sync --wal-segsize=1 \
      --auth-local=trust --auth-host=scram-sha-256 --pwfile="$folder/password" >"$folder/log" 2>&1 </dev/null
    start && "$bin/psql" -Xq -h "$folder" -p "$port" -U postgres -d postgres </dev/null >>"$folder/log" 2>&1 \
      -c "CREATE ROLE focus LOGIN PASSWORD 's3cret/word'" && echo ready || tail -n 1 "$folder/log"
    while read -r command; do
      case $command in
        kill) crash; echo killed ;;
        start) start && echo ready || tail -n 1 "$folder/log" ;;
      esac
    done
    kill -INT $server 2>/dev/null
    wait $server 2>/dev/null
    rm -rf "$folder"
    """#
}

/// Starts the shared server with the first test that wants it; the others wait.
private actor SharedServer {
  private var starting: Task<PostgresServer, any Error>?

  func server() async throws -> PostgresServer {
    let task = starting ?? Task { try await PostgresServer.start() }
    starting = task
    return try await task.value
  }
}

/// Runs what blocks on a thread of its own: tests share few.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread { continuation.resume(with: Result { try work() }) }.start()
  }
}

/// A loopback port that nobody listens on just now.
func freePort() throws -> Int {
  let socket = try LoopbackSocket.listen()
  defer { close(socket.descriptor) }
  return socket.port
}
