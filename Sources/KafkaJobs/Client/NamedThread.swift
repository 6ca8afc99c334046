import Foundation

/// A thread of its own for librdkafka's blocking calls.
final class NamedThread: Sendable {
  private let ended = DispatchSemaphore(value: 0)

  /// - Parameter name: what debuggers and `top` show, at most 15 characters.
  init(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread { [ended] in
      Self.setName(name)
      body()
      ended.signal()
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  /// Blocks until the thread has ended.
  func join() {
    ended.wait()
    ended.signal()
  }

  /// Foundation's own name reaches the system only sometimes on Linux, and glibc's call for it is hidden from Swift.
  private static func setName(_ name: String) {
    #if os(Linux)
      let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
      guard file >= 0 else { return }
      _ = write(file, name, name.utf8.count)
      close(file)
    #else
      pthread_setname_np(name)
    #endif
  }
}
