import Answering
import Synchronization

/// What this worker holds between Kafka and the pipeline: records read ahead, deliveries in the pipeline, outcomes
/// that wait to be published.
///
/// The consumer's thread, the pipeline's tasks and the publisher's thread meet here, and nowhere else.
final class JobsInHand: Sendable {
  private struct State {
    var ledger = OffsetLedger()
    var withdrawals: [Int32: Signal] = [:]
    /// Partitions whose outcomes cannot be published for now.
    var withheld: Set<Int32> = []
    var readAhead: ReadAhead
    var outcomes: [Place: Outcome] = [:]
    /// Deliveries in the pipeline, by their sequence numbers.
    var places: [Int: Place] = [:]
    var lastSequence = 0
    /// Told when partitions have gone, or are to be read again.
    var onDrop: (@Sendable () -> Void)?
    /// The one task that waits for a record.
    var reader: CheckedContinuation<Void, Never>?
    var end: (any Error)?
    var hasEnded = false

    mutating func begin(_ record: Record) -> Int {
      lastSequence += 1
      places[lastSequence] = record.place
      return lastSequence
    }
  }

  private let state: Mutex<State>

  init(readAhead: Int, readAheadBytes: Int) {
    state = Mutex(State(readAhead: ReadAhead(most: readAhead, bytes: readAheadBytes)))
  }

  // MARK: The consumer's

  func assign(_ partitions: [Int32]) {
    state.withLock { state in
      for partition in partitions {
        state.ledger.assign(partition)
        state.withdrawals[partition] = Signal()
      }
    }
  }

  /// The partitions go to other workers: what is in hand of them is theirs. Not while a commit of theirs is under way.
  func release(_ partitions: [Int32]) {
    drop(partitions) { state in
      for partition in partitions {
        state.ledger.remove(partition)
        state.withdrawals[partition] = nil
      }
      state.withheld.subtract(partitions)
    }
  }

  /// What is in hand of these partitions leaves it, to be read again when they are no longer withheld. Not while a
  /// commit of theirs is under way.
  func restart(_ partitions: [Int32]) {
    drop(partitions) { state in
      for partition in partitions {
        state.ledger.restart(partition)
        state.withdrawals[partition] = Signal()
      }
    }
  }

  private func drop(_ partitions: [Int32], _ change: (inout State) -> Void) {
    let released = Set(partitions)
    // First of all: a job that finds its place gone must find itself withdrawn.
    let withdrawals = state.withLock { state in partitions.compactMap { state.withdrawals[$0] } }
    for withdrawal in withdrawals { withdrawal.raise() }
    let outcomes = state.withLock { state in
      change(&state)
      state.readAhead.remove(of: released)
      let outcomes = state.outcomes.values.filter { released.contains($0.place.partition) }
      for outcome in outcomes { state.outcomes[outcome.place] = nil }
      state.places = state.places.filter { !released.contains($0.value.partition) }
      return outcomes
    }
    for outcome in outcomes { outcome.continuation.resume(throwing: CancellationError()) }
    state.withLock(\.onDrop)?()
  }

  /// Takes a record that was consumed; one of a partition that has gone is dropped.
  func add(_ message: KafkaMessage) {
    state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard let place = state.ledger.read(message.offset, of: message.partition),
        let withdrawal = state.withdrawals[message.partition]
      else { return nil }
      state.readAhead.append(Record(place: place, message: message, withdrawal: withdrawal))
      defer { state.reader = nil }
      return state.reader
    }?.resume()
  }

  /// Whether as much is read ahead as may be.
  var isFull: Bool { state.withLock { $0.readAhead.isFull } }

  /// Whether so little is left that reading goes on.
  var isLow: Bool { state.withLock { $0.readAhead.isLow } }

  /// Nothing more comes: the reader ends, or throws `error`; outcomes that wait fail with it.
  func end(_ error: (any Error)? = nil) {
    let (reader, outcomes) = state.withLock { state in
      if !state.hasEnded { state.end = error }
      state.hasEnded = true
      // A round that is under way must not take them for published.
      for place in state.outcomes.keys { state.ledger.reopen(place) }
      defer { (state.reader, state.outcomes) = (nil, [:]) }
      return (state.reader, Array(state.outcomes.values))
    }
    reader?.resume()
    for outcome in outcomes { outcome.continuation.resume(throwing: error ?? CancellationError()) }
  }

  /// Partitions that are not to be read for now.
  var withheld: Set<Int32> { state.withLock { $0.withheld } }

  /// Where the group stands in each of this worker's partitions: the first offset that is not committed; nil where
  /// nothing was read yet.
  func positions() -> [Int32: Int64?] {
    state.withLock { $0.ledger.positions }
  }

  // MARK: The pipeline's

  /// From now on `tell` is called after deliveries were withdrawn, on the consumer's thread.
  func onDrop(_ tell: @escaping @Sendable () -> Void) { state.withLock { $0.onDrop = tell } }

  /// Waits for records, and takes at most `count`, each with a sequence number. Empty at the end; throws what ended
  /// the connection, or `CancellationError`. One task at a time.
  func next(_ count: Int) async throws -> [(sequence: Int, record: Record)] {
    while true {
      try Task.checkCancellation()
      let (records, hasEnded) = try state.withLock { state -> ([(Int, Record)], Bool) in
        if let error = state.end { throw error }
        if state.hasEnded { return ([], true) }
        return (state.readAhead.take(count).map { (state.begin($0), $0) }, false)
      }
      if !records.isEmpty || hasEnded { return records }
      await waitForRecord()
    }
  }

  /// Where a delivery was read; nil where it is another worker's by now.
  func place(of sequence: Int) -> Place? { state.withLock { $0.places[sequence] } }

  /// Deliveries that are in the pipeline and still this worker's.
  var openSequences: Set<Int> { state.withLock { Set($0.places.keys) } }

  /// The delivery has left the pipeline.
  func finish(_ sequence: Int) { state.withLock { $0.places[sequence] = nil } }

  private func waitForRecord() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let mayWait = state.withLock { state in
          if Task.isCancelled || state.hasEnded || !state.readAhead.isEmpty { return false }
          state.reader = continuation
          return true
        }
        if !mayWait { continuation.resume() }
      }
    } onCancel: {
      state.withLock { state in
        defer { state.reader = nil }
        return state.reader
      }?.resume()
    }
  }

  /// Returns when the place is committed with its records. Throws `CancellationError` where the place is another
  /// worker's by now or the task is cancelled, and otherwise what the publisher found.
  func publish(_ records: [OutgoingRecord], at place: Place, wake publisher: () -> Void) async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let refusal: (any Error)? = state.withLock { state in
          if state.hasEnded { return state.end ?? CancellationError() }
          // Cancelled before it waits: the handler below has nobody to resume.
          guard !Task.isCancelled, state.ledger.holds(place) else { return CancellationError() }
          state.outcomes[place] = Outcome(place: place, records: records, continuation: continuation)
          state.ledger.finish(place)
          return nil
        }
        if let refusal { continuation.resume(throwing: refusal) }
        publisher()
      }
    } onCancel: {
      giveUp(place, CancellationError())
    }
  }

  // MARK: The publisher's

  /// Outcomes whose place can be committed now, in order within a partition, up to `bytes` but at least one.
  func ready(bytes: Int, skipping held: Set<Int32>) -> [Outcome] {
    state.withLock { state in
      var left = bytes
      var ready: [Outcome] = []
      var held = held
      for place in state.ledger.ready() where !held.contains(place.partition) {
        guard let outcome = state.outcomes[place] else {
          held.insert(place.partition)
          continue
        }
        left -= outcome.records.reduce(0) { $0 + $1.value.count }
        if left < 0, !ready.isEmpty { break }
        ready.append(outcome)
      }
      return ready
    }
  }

  /// All outcomes that wait, in order within a partition.
  func waiting() -> [Outcome] {
    state.withLock { Array($0.outcomes.values) }.sorted { $0.place.offset < $1.place.offset }
  }

  /// These are published, and their places committed.
  func committed(_ outcomes: [Outcome]) {
    let present = state.withLock { state in
      outcomes.filter { outcome in
        state.ledger.commit(through: outcome.place)
        return state.outcomes.removeValue(forKey: outcome.place) != nil
      }
    }
    for outcome in present { outcome.continuation.resume() }
  }

  /// This one cannot be published: its job's task learns why, and may publish something else.
  func giveUp(_ place: Place, _ error: any Error) {
    let outcome = state.withLock { state in
      guard let outcome = state.outcomes.removeValue(forKey: place) else { return nil as Outcome? }
      state.ledger.reopen(place)
      return outcome
    }
    outcome?.continuation.resume(throwing: error)
  }

  /// Published, but not yet committed.
  func published(_ outcomes: [Outcome]) {
    let present = state.withLock { state in
      outcomes.filter { state.outcomes.removeValue(forKey: $0.place) != nil }
    }
    for outcome in present { outcome.continuation.resume() }
  }

  /// How far each partition may be committed: the last published place with nothing unpublished before it.
  func safeCommits() -> [Place] {
    state.withLock { state in
      var last: [Int32: Place] = [:]
      var held: Set<Int32> = []
      for place in state.ledger.ready() where !held.contains(place.partition) {
        if state.outcomes[place] == nil {
          last[place.partition] = place
        } else {
          held.insert(place.partition)
        }
      }
      return Array(last.values)
    }
  }

  /// The partition's jobs shall take no places that others need: they are given back, and read again from
  /// `takeUp` on.
  func withhold(_ partition: Int32) {
    state.withLock { state in
      if state.ledger.partitions.contains(partition) { state.withheld.insert(partition) }
    }
  }

  func takeUp(_ partition: Int32) { state.withLock { _ = $0.withheld.remove(partition) } }

  /// Partitions in this worker's hands.
  var partitions: Set<Int32> { state.withLock { $0.ledger.partitions } }

  func committed(through places: [Place]) {
    state.withLock { state in for place in places { state.ledger.commit(through: place) } }
  }
}
