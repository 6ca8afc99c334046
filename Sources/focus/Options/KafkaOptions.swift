import ArgumentParser
import Foundation
import KafkaJobs

/// Where Kafka is, and the topics.
struct KafkaOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Brokers to begin with, divided by commas.", valueName: "host:port"))
  var brokers: String?

  @Option(help: ArgumentHelp("Topic of jobs.", valueName: "topic"))
  var jobsTopic = "focus.jobs"

  @Option(help: ArgumentHelp("Topic of results.", valueName: "topic"))
  var resultsTopic = "focus.results"

  @Option(help: ArgumentHelp("Topic of jobs that were refused, with the reason.", valueName: "topic"))
  var deadLettersTopic = "focus.dead-letters"

  @Option(help: ArgumentHelp("Bytes of the largest record read or written, as 8M.", valueName: "bytes"))
  var largestRecord = ByteCount(8 << 20)

  @Option(
    help: ArgumentHelp(
      "A librdkafka setting by its own name, such as security.protocol=SASL_SSL. Repeatable.",
      valueName: "name=value"))
  var kafkaProperty: [KafkaProperty] = []

  /// Throws `Failure` where something is missing or makes no sense.
  func settings() throws -> KafkaSettings {
    guard let brokers, !brokers.isEmpty else {
      throw Failure.unusable("--brokers HOST:PORT is needed: where Kafka listens")
    }
    guard (1024...1 << 30).contains(largestRecord.bytes) else {
      throw Failure.unusable("--largest-record must be from 1K to 1G")
    }
    var settings = KafkaSettings(brokers: brokers)
    settings.jobsTopic = jobsTopic
    settings.resultsTopic = resultsTopic
    settings.deadLettersTopic = deadLettersTopic
    settings.largestRecord = largestRecord.bytes
    for property in kafkaProperty { settings.properties[property.name] = property.value }
    return settings
  }
}

/// `name=value`.
struct KafkaProperty: ExpressibleByArgument, Sendable, Equatable {
  var name: String
  var value: String

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else { return nil }
    (name, value) = (String(parts[0]), String(parts[1]))
  }
}
