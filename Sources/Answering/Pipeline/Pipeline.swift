import Logging

/// The way from job to results: fetch → look into the cache, else tile → encode → answer → publish → finish.
///
/// Each delivery is one child task that walks this way by itself, so stages overlap: while the model computes,
/// images of later jobs are fetched and tiled. Structure bounds it: at most `jobsInFlight + lookAhead` children,
/// `jobsInFlight` of them in the model, and `lookAheadBytes` of images between.
public struct Pipeline: Sendable {
  private let source: any JobSource
  private let images: any ImageSource
  private let model: any VisionLanguageModel
  private let sink: any ResultSink
  /// nil where no token store is in use.
  private let cache: CachedTokens?
  private let settings: PipelineSettings
  private let observer: (any ProgressObserver)?
  private let log: Logger

  /// Turns at the model.
  private let turns: Allowance
  /// Bytes of images that wait for the vision tower.
  private let memory: Allowance
  private let encodes = SharedEncodes()

  public init(
    source: any JobSource, images: any ImageSource, model: any VisionLanguageModel, sink: any ResultSink,
    store: (any TokenStore)? = nil, settings: PipelineSettings = .init(),
    observer: (any ProgressObserver)? = nil,
    log: Logger = Logger(label: "focus.pipeline")
  ) {
    self.source = source
    self.images = images
    self.model = model
    self.sink = sink
    cache = store.map { CachedTokens($0, of: model, log: log) }
    self.settings = settings
    self.observer = observer
    self.log = log
    turns = Allowance(settings.jobsInFlight)
    memory = Allowance(settings.lookAheadBytes)
  }

  /// How a run ended.
  public struct Ending: Sendable, Equatable {
    public var counts: RunCounts
    /// Whether a drain ended the run before the source did. What is unfinished is read again by the next run.
    public var wasInterrupted: Bool
  }

  private enum Event: Sendable {
    case read(Delivery)
    case sourceEnded
    /// The drain ended the reading, at whatever place of the source.
    case readingStopped
    case sourceFailed(any Error)
    case ended
    case drainBegan
    case drainTimedOut
  }

  // MARK: The loop

  /// Answers the source's jobs until it ends or `drain` begins.
  ///
  /// Every delivery gets exactly one outcome, or stays unfinished. Throws what the source, the sink or an
  /// `EnvironmentFailure` of the others reports: when the source breaks, jobs in flight finish first; when
  /// the sink or the model does, they are abandoned. Cancelling the task abandons them too.
  public func run(until drain: Signal = Signal()) async throws -> Ending {
    let tally = RunTally(passingOnTo: observer)
    return try await withThrowingTaskGroup(of: Event.self) { group in
      var mayRead = true
      var isReading = false
      var open = 0
      var stoppedReading = false
      var failure: (any Error)?

      group.addTask {
        await drain.raised()
        return .drainBegan
      }
      while mayRead || isReading || open > 0 {
        if mayRead, !isReading, open < settings.openDeliveries {
          isReading = true
          group.addTask { await read(unlessRaised: drain) }
        }
        switch try await group.next() {
        case .read(let delivery):
          isReading = false
          open += 1
          // Read while the drain began: not begun, so that it stays unfinished.
          if !mayRead { stoppedReading = true }
          group.addTask { [mayRead] in
            if mayRead { return try await walk(delivery, tally) }
            await source.abandon(delivery)
            return .ended
          }
        case .sourceEnded:
          (isReading, mayRead) = (false, false)
        case .readingStopped:
          (isReading, mayRead, stoppedReading) = (false, false, true)
        case .sourceFailed(let error):
          (isReading, mayRead) = (false, false)
          failure = error
        case .ended:
          open -= 1
        case .drainBegan:
          // A read that is under way tells itself whether it met the source's end.
          stoppedReading = stoppedReading || (mayRead && !isReading)
          mayRead = false
          group.addTask {
            try? await Task.sleep(for: settings.drainTimeout)
            return .drainTimedOut
          }
        case .drainTimedOut where open > 0:
          log.warning("\(open) jobs in flight abandoned, \(settings.drainTimeout) after the drain began")
          group.cancelAll()
        case .drainTimedOut, nil:
          break
        }
      }
      group.cancelAll()
      if let failure { throw failure }
      try Task.checkCancellation()
      let counts = tally.counts
      return Ending(counts: counts, wasInterrupted: stoppedReading || counts.jobsAbandoned > 0)
    }
  }

  private func read(unlessRaised drain: Signal) async -> Event {
    do {
      switch try await drain.unlessRaised({ try await source.next() }) {
      case .done(let delivery?):
        guard Task.isCancelled else { return .read(delivery) }
        // The run is over, and nobody waits for this.
        await source.abandon(delivery)
        return .readingStopped
      case .done(nil): return .sourceEnded
      case .stopped: return .readingStopped
      }
    } catch {
      return Task.isCancelled || drain.isRaised ? .readingStopped : .sourceFailed(error)
    }
  }

  // MARK: One job's way

  /// Saves of one job's compressed image, while it is answered and published.
  private typealias Saving = ThrowingDiscardingTaskGroup<any Error>

  /// From delivery to finished. Throws only where the environment is broken.
  private func walk(_ delivery: Delivery, _ tally: RunTally) async throws -> Event {
    tally.observe(.began(delivery))
    do {
      // The save of the image's tokens delays no answer. It ends before the delivery is finished, so that saves
      // are bounded by the open deliveries, and a drain that ends well has lost none.
      let published = try await delivery.unlessWithdrawn {
        try await withThrowingDiscardingTaskGroup { saving in
          let outcome = try await outcome(of: delivery, tally, &saving)
          return try await tally.timed(.publish) { try await publish(outcome) }
        }
      }
      try await source.finish(delivery)
      tally.observe(.published(published))
    } catch let failure as EnvironmentFailure where !Task.isCancelled && !delivery.isWithdrawn {
      // Not abandoned: the job may be what broke the device, so this attempt counts.
      throw failure
    } catch {
      await source.abandon(delivery)
      tally.observe(.abandoned(delivery))
      guard Task.isCancelled || delivery.isWithdrawn else { throw error }
    }
    return .ended
  }

  /// A bad message, and a job that cannot be answered, end as dead letters: their neighbours go on.
  private func outcome(
    of delivery: Delivery, _ tally: RunTally, _ saving: inout Saving
  ) async throws -> JobOutcome {
    switch delivery.content {
    case .failure(let rejection):
      return rejected(rejection, delivery)
    case .success(let job):
      do {
        let results = try await answer(job, rank: delivery.sequence, tally, &saving)
        return .answered(results, of: job, delivery: delivery)
      } catch let failure as EnvironmentFailure {
        throw failure
      } catch _ where Task.isCancelled {
        throw CancellationError()
      } catch let rejection as Rejection {
        return rejected(rejection, delivery)
      } catch {
        return rejected(Rejection(.internal, "job \(job.id) failed unexpectedly: \(error)"), delivery)
      }
    }
  }

  private func answer(
    _ job: Job, rank: Int, _ tally: RunTally, _ saving: inout Saving
  ) async throws -> [JobResult] {
    var timings = StageTimings()
    let compression = job.compression ?? settings.compression

    let fetched = try await tally.timed(.fetch, adding: &timings.fetch) {
      try await images.fetch(job.image)
    }
    let held = memory.share(fetched.bytes.count + model.tilingRules.largestTiledImage, rank: rank)
    defer { held.give() }
    try await held.take()

    // The turn begins before the vision tower and lasts to the answers; a job that waits for another's
    // encode takes none meanwhile.
    let turn = turns.share(1, rank: rank)
    defer { turn.give() }
    let key = TokenKey(imageSHA256: fetched.sha256, recipe: model.tokenRecipe(compression))
    // Later jobs share the image until this one is answered and has stored it: it is here or there, always.
    let isAnswered = Signal()
    var isSaving = false
    defer {
      isAnswered.raise()
      if !isSaving { encodes.leave(key, job: rank) }
    }
    var isNew = false
    var claim: EncodeClaim?
    let compressed = try await encodes.image(key, for: rank) {
      if let cache {
        let look = try await tally.timed(.cache, adding: &timings.fetch) { try await cache.look(key) }
        let finding = try await cache.settle(look, key, settings.leases, tally)
        if case .stored(let image) = finding { return image }
        claim = finding.claim
      }
      let tiles = try await tally.timed(.tile, adding: &timings.fetch) {
        try await images.tiles(of: fetched, rules: model.tilingRules)
      }
      try await turn.take()
      return try await tally.timed(.vision) {
        let reply = try await model.compress(tiles, compression)
        timings.vision = reply.milliseconds
        isNew = true
        return reply.image
      }
    }
    held.give()
    if isNew, let cache {
      isSaving = true
      saving.addTask { [claim] in
        await cache.save(compressed, key, imageSHA256: fetched.sha256, under: claim, tally)
        await isAnswered.raised()
        encodes.leave(key, job: rank)
      }
    }

    try await turn.take()
    let questions = job.questionsWithSelection
    Failpoint.reach("answer", job.id)
    let replies = try await tally.timed(.answer) {
      try await model.answer(questions, about: compressed, key: key)
    }
    guard replies.count == job.questions.count else {
      throw Rejection(
        .internal, "the model gave \(replies.count) replies to \(job.questions.count) questions")
    }
    return zip(job.questions, replies).map { question, reply in
      timings.prefill = reply.prefillMilliseconds
      timings.decode = reply.decodeMilliseconds
      return JobResult(
        jobID: job.id, questionID: question.id, outcome: reply.outcome, imageSHA256: fetched.sha256,
        model: model.identity, visualTokens: reply.visualTokens,
        tokenCache: cache == nil ? .off : isNew ? .miss : .hit, timings: timings,
        metadata: job.metadata)
    }
  }

  /// A sink that refuses one outcome (say, as too large) gets the job's dead letter instead.
  private func publish(_ outcome: JobOutcome) async throws -> JobOutcome {
    do {
      try await sink.publish(outcome)
      return outcome
    } catch let rejection as Rejection {
      guard case .answered = outcome else { throw rejection }
      let refused = rejected(rejection, outcome.delivery)
      try await sink.publish(refused)
      return refused
    }
  }

  private func rejected(_ rejection: Rejection, _ delivery: Delivery) -> JobOutcome {
    let jobID = (try? delivery.content.get().id) ?? delivery.rejectedJobID
    log.warning(
      "job rejected: \(rejection)", metadata: ["job": "\(jobID ?? "?")", "origin": "\(delivery.origin)"])
    let letter = DeadLetter(
      rejection: rejection, jobID: jobID, attempts: delivery.attempts, origin: delivery.origin,
      payload: delivery.payload)
    return .rejected(letter, delivery: delivery)
  }
}
