/// How much a pipeline does at once, and how long it may take to stop.
public struct PipelineSettings: Sendable, Equatable {
  /// Jobs the model works on at once; it batches their questions. At least 1.
  public var jobsInFlight: Int
  /// Jobs read beyond those: being fetched and tiled, waiting for the model, or being published. At least 0.
  public var lookAhead: Int
  /// Bytes of fetched images and tiles held for jobs that wait for the vision tower. An image larger than
  /// this is held alone.
  public var lookAheadBytes: Int
  /// For jobs that don't say.
  public var compression: Compression
  /// How long jobs in flight may run on once a drain begins; then they are abandoned, unfinished.
  public var drainTimeout: Duration
  /// For a token store that other workers share.
  public var leases: LeaseTimes

  public init(
    jobsInFlight: Int = 1, lookAhead: Int = 4, lookAheadBytes: Int = 256 << 20,
    compression: Compression = .auto, drainTimeout: Duration = .seconds(30), leases: LeaseTimes = LeaseTimes()
  ) {
    self.jobsInFlight = max(1, jobsInFlight)
    self.lookAhead = max(0, lookAhead)
    self.lookAheadBytes = max(1, lookAheadBytes)
    self.compression = compression
    self.drainTimeout = drainTimeout
    self.leases = leases
  }

  /// Deliveries begun and not ended, at most.
  var openDeliveries: Int { jobsInFlight + lookAhead }
}
