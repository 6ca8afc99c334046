import Foundation
import Synchronization

/// A small HTTP server on a free loopback port, for one test. Answers each connection once, on its own thread.
public final class LocalServer: Sendable {
  public enum Answer: Sendable {
    case image(Data)
    case status(Int)
    /// 503, with the seconds after which to ask again.
    case busy(seconds: Int)
    case redirect(String)
    /// A length, and then no body.
    case stalled
    /// A body, or headers, until the client has had enough.
    case endlessBody
    case endlessHeaders
  }

  public let port: Int
  private let listener: Int32
  private let answer: @Sendable (String) -> Answer
  private let heads = Mutex<[String]>([])
  private let arrivals = AsyncStream<String>.makeStream()

  /// - Parameter answer: what to say to a path.
  public init(_ answer: @escaping @Sendable (String) -> Answer) throws {
    self.answer = answer
    // No fetch may go through it: nothing listens there.
    setenv("http_proxy", "http://127.0.0.1:9", 1)
    #if os(Linux)
      listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      listener = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let (listener, size) = (listener, length)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard bound else { throw POSIXError(.EADDRNOTAVAIL) }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread { [weak self, listener] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { break }
        guard let server = self else {
          close(connection)
          break
        }
        Thread {
          server.serve(connection)
          close(connection)
        }.start()
      }
      // Closed here alone: elsewhere, the number could be another socket's while this thread still waits on it.
      close(listener)
    }.start()
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
  }

  public func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }
  public var host: String { "127.0.0.1:\(port)" }
  /// The requests so far, each with its headers.
  public var requests: [String] { heads.withLock { $0 } }

  /// Waits for the next request.
  public func nextRequest() async {
    for await _ in arrivals.stream { return }
  }

  private func serve(_ connection: Int32) {
    var head = ""
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !head.contains("\r\n\r\n") {
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      head += String(decoding: buffer[..<count], as: UTF8.self)
    }
    heads.withLock { $0.append(head) }
    arrivals.continuation.yield(head)
    let path = head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
    let close = "Connection: close\r\n"
    switch answer(path) {
    case .image(let data):
      _ = send("HTTP/1.1 200 OK\r\nContent-Length: \(data.count)\r\n\(close)\r\n", connection)
      _ = send(data, connection)
    case .status(let code):
      _ = send("HTTP/1.1 \(code) Status\r\nContent-Length: 0\r\n\(close)\r\n", connection)
    case .busy(let seconds):
      _ = send(
        "HTTP/1.1 503 Busy\r\nRetry-After: \(seconds)\r\nContent-Length: 0\r\n\(close)\r\n", connection)
    case .redirect(let location):
      _ = send("HTTP/1.1 302 Found\r\nLocation: \(location)\r\nContent-Length: 0\r\n\(close)\r\n", connection)
    case .stalled:
      _ = send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", connection)
      _ = recv(connection, &buffer, 1, 0)
    case .endlessBody:
      _ = send("HTTP/1.1 200 OK\r\n\(close)\r\n", connection)
      while send(Data(count: 65_536), connection) {}
    case .endlessHeaders:
      _ = send("HTTP/1.1 200 OK\r\n", connection)
      while send("X-Filler: \(String(repeating: "x", count: 4096))\r\n", connection) {}
    }
  }

  private func send(_ text: String, _ connection: Int32) -> Bool {
    send(Data(text.utf8), connection)
  }

  private func send(_ data: Data, _ connection: Int32) -> Bool {
    #if os(Linux)
      let flags = Int32(MSG_NOSIGNAL)
    #else
      let flags: Int32 = 0
    #endif
    var rest = data[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.send(connection, $0.baseAddress, $0.count, flags) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
