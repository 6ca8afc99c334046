import Dispatch
import Foundation

/// A thread of its own, for C calls that block.
package final class NamedThread: Sendable {
  private let ended = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - name: what debuggers and `top` show, at most 15 characters.
  ///   - stackBytes: of the thread.
  package init(_ name: String, stackBytes: Int = 1 << 20, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread { [ended] in
      Self.setName(name)
      Self.blockBrokenPipeSignal()
      body()
      ended.signal()
    }
    thread.stackSize = stackBytes
    thread.start()
  }

  /// Blocks until the thread has ended.
  package func join() {
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

  /// A server that hangs up on a TLS connection must not end the process.
  private static func blockBrokenPipeSignal() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }
}
