extension Delivery {
  /// Runs `work`. Once the delivery is withdrawn it is cancelled, and `CancellationError` thrown, unless it had
  /// ended by then.
  func unlessWithdrawn<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    guard let withdrawal else { return try await work() }
    switch try await withdrawal.unlessRaised(work) {
    case .done(let value): return value
    case .stopped: throw CancellationError()
    }
  }
}
