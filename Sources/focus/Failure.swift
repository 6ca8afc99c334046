import Foundation

/// Why a command ends early: what is wrong (naming the file or flag), what to do, and the exit status.
struct Failure: Error, Equatable, CustomStringConvertible {
  var status: ExitStatus
  var message: String

  /// Arguments or configuration that cannot be used.
  static func unusable(_ message: String) -> Failure {
    Failure(status: .unusableArguments, message: message)
  }

  /// Something outside the command line that does not work.
  static func environment(_ message: String) -> Failure {
    Failure(status: .environmentFailed, message: message)
  }

  var description: String { message }
}

/// Why the file at `path`, which could not be read, could not.
func unreadable(_ path: String) -> String {
  FileManager.default.fileExists(atPath: path) ? "cannot be read: check its permissions" : "no such file"
}
