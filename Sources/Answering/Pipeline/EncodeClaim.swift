import Synchronization

/// How workers that share a token store wait for each other's encodes.
public struct LeaseTimes: Sendable, Equatable {
  /// How long a lease lasts past its holder's last word, and so how long a dead worker's image waits.
  public var duration: Duration
  /// How long a job waits for another worker's encode before it encodes the image itself.
  public var longestWait: Duration

  public init(duration: Duration = .seconds(15), longestWait: Duration = .seconds(60)) {
    self.duration = duration
    self.longestWait = longestWait
  }
}

/// A lease that is renewed while it is held: until `release`, or until nobody has the claim any more, as when its
/// job fails. What goes wrong with it costs another worker an encode, and no job anything.
final class EncodeClaim: Sendable {
  private let lease: EncodeLease
  private let leases: any EncodeLeases
  private let renewal: Task<Void, Never>
  private let isReleased = Atomic(false)

  init(_ lease: EncodeLease, of leases: any EncodeLeases, for duration: Duration) {
    self.lease = lease
    self.leases = leases
    renewal = Task {
      while !Task.isCancelled {
        // Two of three may fail.
        guard (try? await Task.sleep(for: duration / 3)) != nil else { return }
        if let isOurs = try? await leases.renew(lease, for: duration), !isOurs { return }
      }
    }
  }

  deinit {
    renewal.cancel()
    if !isReleased.load(ordering: .relaxed) { _ = Self.release(lease, of: leases) }
  }

  /// Gives the lease back, once.
  func release() async {
    renewal.cancel()
    guard !isReleased.exchange(true, ordering: .relaxed) else { return }
    let released = Self.release(lease, of: leases)
    // A job that was cancelled waits for nothing.
    if !Task.isCancelled { await released.value }
  }

  /// In a task of its own: also a cancelled job's lease goes back.
  private static func release(_ lease: EncodeLease, of leases: any EncodeLeases) -> Task<Void, Never> {
    Task { try? await leases.release(lease) }
  }
}
