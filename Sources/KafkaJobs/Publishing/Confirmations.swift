import Answering
import CRdKafka
import Foundation
import Logging

/// At least once: outcomes are published in any order, and offsets committed after, as far as nothing before is open.
final class Confirmations: PublishingRounds {
  private static let longest = Duration.seconds(15)

  private let producer: Producer
  private let hands: JobsInHand
  private let consumer: Consumer
  private let topic: String
  private let refusals: Refusals
  private let log: Logger
  private var held = HeldPartitions()
  /// Whether a commit failed, and none has worked since.
  private var mustCommit = false

  init(
    _ producer: Producer, _ hands: JobsInHand, _ consumer: Consumer, _ settings: KafkaSettings, log: Logger
  ) {
    self.producer = producer
    self.hands = hands
    self.consumer = consumer
    topic = settings.jobsTopic
    refusals = Refusals(settings, log: log)
    self.log = log
  }

  func publishReady() throws -> Bool {
    held.review(hands, unavailable: producer.unavailable, at: .now)
    let resting = held.resting(hands, at: .now)
    let outcomes = held.publishable(
      hands.waiting().filter { !resting.contains($0.place.partition) }, unavailable: producer.unavailable)
    if outcomes.isEmpty {
      if mustCommit { commit() }
      return false
    }
    var refused: [Int: KafkaError] = [:]
    let deadline = ContinuousClock.now + Self.longest
    for (index, outcome) in outcomes.enumerated() {
      for record in outcome.records {
        do throws(KafkaError) {
          try producer.produce(record, number: index + 1, until: deadline)
        } catch {
          refused[index + 1] = error
        }
      }
    }
    do throws(KafkaError) {
      refused.merge(try producer.deliver(until: deadline)) { first, _ in first }
    } catch {
      throw error.failure
    }
    if let error = producer.client.fatalError { throw error.failure }
    let published = outcomes.indices.filter { refused[$0 + 1] == nil }.map { outcomes[$0] }
    let refusing = Set(refused.keys.map { outcomes[$0 - 1].place.partition })
    held.release(published.filter { !refusing.contains($0.place.partition) })
    refusals.settle(refused.map { (outcomes[$0.key - 1], $0.value) }, hands, &held)
    hands.published(published)
    commit()
    return !published.isEmpty
  }

  /// A failure costs repeated results after a crash at worst: the next round commits further, though it has nothing
  /// to publish.
  private func commit() {
    let places = hands.safeCommits()
    mustCommit = false
    if places.isEmpty { return }
    let offsets = Dictionary(uniqueKeysWithValues: places.map { ($0.partition, $0.offset + 1) })
    let partitions = KafkaPartitions(topic: topic, offsets: offsets)
    do throws(KafkaError) {
      try check(rd_kafka_commit(consumer.client.handle, partitions.list, 0))
      hands.committed(through: places)
    } catch {
      mustCommit = true
      log.warning("Kafka, committing offsets of \(topic): \(error)")
    }
  }
}
