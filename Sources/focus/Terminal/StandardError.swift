import Answering
import Foundation
import Synchronization

/// Standard error, shared by log lines, error messages and the progress bar: a line never lands inside the bar.
final class StandardError: Sendable {
  static let shared = StandardError()

  /// The bar on the terminal's last line; empty for none.
  private let bar = Mutex("")

  var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Writes one line, credentials hidden, above the bar.
  func write(_ line: String) {
    bar.withLock { bar in
      put((bar.isEmpty ? "" : Self.clearLine) + redactingCredentials(in: line) + "\n" + bar)
    }
  }

  /// Shows the bar, in place of the last one.
  func showBar(_ text: String) {
    bar.withLock { bar in
      bar = String(text.prefix(columns))
      put(Self.clearLine + bar)
    }
  }

  /// Takes the bar off the terminal.
  func removeBar() {
    bar.withLock { bar in
      if !bar.isEmpty { put(Self.clearLine) }
      bar = ""
    }
  }

  private static let clearLine = "\r\u{1B}[K"

  /// Width of the terminal less one, so that the bar never wraps.
  private var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 79 }
    return Int(size.ws_col) - 1
  }

  private func put(_ text: String) {
    // A closed standard error must not end a run.
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }
}
