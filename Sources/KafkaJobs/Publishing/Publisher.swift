import Answering
import CRdKafka
import Foundation
import Logging
import Synchronization

/// Publishes outcomes and commits their offsets, on a thread of its own: all that is ready, together.
final class Publisher: Sendable {
  private static let idleWait = DispatchTimeInterval.milliseconds(500)

  private let settings: KafkaSettings
  private let hands: JobsInHand
  private let consumer: Consumer
  private let log: Logger
  private let wakes = DispatchSemaphore(value: 0)
  private let isStopping = Atomic(false)
  private let committing: CommitLock

  init(
    _ settings: KafkaSettings, _ hands: JobsInHand, _ consumer: Consumer, _ committing: CommitLock,
    log: Logger
  ) {
    self.settings = settings
    self.hands = hands
    self.consumer = consumer
    self.committing = committing
    self.log = log
  }

  /// There is something to publish.
  func wake() { wakes.signal() }

  /// Ends `run`, from any thread.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    wakes.signal()
  }

  /// Publishes until `stop`. Blocks: the thread's body.
  func run() {
    do {
      let producer = try Producer(settings, log: log)
      let rounds: any PublishingRounds =
        switch settings.delivery {
        case .exactlyOnce:
          try Transactions(producer, hands, consumer, settings, log: log, unless: { self.isStopped })
        case .atLeastOnce: Confirmations(producer, hands, consumer, settings, log: log)
        }
      while !isStopped {
        let hasWork = try committing.withLock { try rounds.publishReady() }
        if !hasWork { _ = wakes.wait(timeout: .now() + Self.idleWait) }
      }
    } catch let error as KafkaError {
      hands.end(error.failure)
    } catch {
      hands.end(error)
    }
  }

  private var isStopped: Bool { isStopping.load(ordering: .acquiring) }
}

/// How outcomes are published.
protocol PublishingRounds {
  /// Publishes what is ready. False where nothing was, or where it must be tried again later. Throws where the
  /// connection is spent.
  func publishReady() throws -> Bool
}

/// Held while offsets are being committed: partitions are given back before or after, and not meanwhile.
final class CommitLock: Sendable {
  private let lock = Mutex(())

  func withLock<Value>(_ body: () throws -> Value) rethrows -> Value {
    try lock.withLock { _ in try body() }
  }
}
