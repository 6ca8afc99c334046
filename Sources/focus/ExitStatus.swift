/// What the process tells its caller.
enum ExitStatus: Int32, Sendable {
  /// All jobs were answered.
  case success = 0
  /// Some jobs or questions failed; each is named in the output.
  case someFailed = 1
  /// The arguments or the configuration cannot be used.
  case unusableArguments = 2
  /// The model, a library, a broker or a database failed.
  case environmentFailed = 3
  /// Stopped by a signal; the same command continues where this one ended.
  case interrupted = 130
}
