import Foundation
import Synchronization

/// Stands between a client and a loopback port, and does to their connections what networks do.
public final class TCPProxy: Sendable {
  public enum Weather: Sendable, Equatable {
    case passing
    /// Nothing goes through, and nobody is told: half-open connections.
    case stalled
    /// Every piece of up to 64 KiB waits so long before it goes on.
    case delayed(Duration)
    /// Connections are closed as soon as they are made.
    case refusing
  }

  public let port: Int
  private let target: Int
  private let listener: Int32
  private let sky = Sky()

  /// - Parameter target: the port that is forwarded to.
  public init(to target: Int) throws {
    let socket = try LoopbackSocket.listen()
    (port, listener, self.target) = (socket.port, socket.descriptor, target)
    Thread { [sky, listener] in
      while true {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { break }
        Self.forward(client, to: target, sky)
      }
      // Closed here alone: elsewhere, the number could be another socket's while this thread still waits on it.
      close(listener)
    }.start()
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    sky.end()
  }

  public var weather: Weather {
    get { sky.weather }
    set { sky.weather = newValue }
  }

  /// Breaks the connections there are.
  public func cut() { sky.cut() }

  /// Connections made through it so far.
  public var connections: Int { sky.made }

  private static func forward(_ client: Int32, to target: Int, _ sky: Sky) {
    guard sky.weather != .refusing, let server = try? LoopbackSocket.connect(port: target).descriptor else {
      close(client)
      return
    }
    let pair = Pair(client, server)
    sky.add(pair)
    for (from, to) in [(client, server), (server, client)] {
      Thread {
        Self.copy(from, to, sky)
        pair.end()
        if pair.leave() { sky.remove(pair) }
      }.start()
    }
  }

  private static func copy(_ from: Int32, _ to: Int32, _ sky: Sky) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(from, &buffer, buffer.count, 0)
      guard count > 0, sky.lets(pass: count) else { return }
      var sent = 0
      while sent < count {
        let more = buffer[sent..<count].withUnsafeBytes { send(to, $0.baseAddress, $0.count, quiet) }
        guard more > 0 else { return }
        sent += more
      }
    }
  }

  #if os(Linux)
    private static let quiet = Int32(MSG_NOSIGNAL)
  #else
    private static let quiet: Int32 = 0
  #endif
}

/// The two sockets of a forwarded connection; the second of its threads to leave closes them.
private final class Pair: Sendable {
  private let sockets: [Int32]
  private let users = Mutex(2)

  init(_ client: Int32, _ server: Int32) { sockets = [client, server] }

  /// Wakes both threads. Harmless once more.
  func end() {
    users.withLock { if $0 > 0 { for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) } } }
  }

  /// Whether this was the last.
  func leave() -> Bool {
    users.withLock { users in
      users -= 1
      if users == 0 { for socket in sockets { close(socket) } }
      return users == 0
    }
  }
}

/// The weather that all connections of a proxy have. A condition guards the rest, so that it may be shared.
private final class Sky: @unchecked Sendable {
  private let condition = NSCondition()
  private var current = TCPProxy.Weather.passing
  private var pairs: [ObjectIdentifier: Pair] = [:]
  private var count = 0
  private var hasEnded = false

  var weather: TCPProxy.Weather {
    get { condition.withLock { current } }
    set {
      condition.withLock {
        current = newValue
        condition.broadcast()
      }
    }
  }

  var made: Int { condition.withLock { count } }

  func add(_ pair: Pair) {
    condition.withLock {
      pairs[ObjectIdentifier(pair)] = pair
      count += 1
    }
  }

  func remove(_ pair: Pair) { condition.withLock { pairs[ObjectIdentifier(pair)] = nil } }

  func cut() {
    for pair in condition.withLock({ Array(pairs.values) }) { pair.end() }
  }

  func end() {
    condition.withLock {
      hasEnded = true
      condition.broadcast()
    }
    cut()
  }

  /// Waits as the weather wants; false where the proxy has ended meanwhile.
  func lets(pass bytes: Int) -> Bool {
    if case .delayed(let pause) = weather { usleep(UInt32(pause / .microseconds(1))) }
    return condition.withLock {
      while current == .stalled, !hasEnded { condition.wait() }
      return !hasEnded
    }
  }
}
