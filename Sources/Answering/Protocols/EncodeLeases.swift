/// Keeps workers that share a token store from encoding one image at the same time. A store may offer it.
///
/// A lease is a promise for a while, not a lock: its holder may die, so it ends by itself, and whoever cannot get
/// one in time encodes without. So a failure here costs an encode at most, never an answer.
public protocol EncodeLeases: Sendable {
  /// The lease to encode the image, for so long; nil where another worker holds it. A holder that takes it again
  /// gets another one.
  func take(_ key: TokenKey, for duration: Duration) async throws -> EncodeLease?

  /// Makes a lease last for so long from now; false where it is no longer the worker's own.
  func renew(_ lease: EncodeLease, for duration: Duration) async throws -> Bool

  /// Gives a lease back; nothing where it is no longer the worker's own.
  func release(_ lease: EncodeLease) async throws
}

/// The right of one worker to encode an image, for now.
public struct EncodeLease: Sendable, Hashable {
  public var key: TokenKey
  /// Rises with every lease given, so that an outlived one is told from its successor.
  public var fencing: Int

  public init(key: TokenKey, fencing: Int) {
    self.key = key
    self.fencing = fencing
  }
}
