/// The environment is broken (a device lost, a disk full, a broker gone), so that no job can go on.
///
/// An image source or a model throws it to stop the run; every other error of theirs ends one job only.
public struct EnvironmentFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// What broke, where, and what to do, in plain words.
  public var message: String

  public init(_ message: String) {
    self.message = message
  }

  public var description: String { message }
}
