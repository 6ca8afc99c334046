import ArgumentParser
import KafkaJobs

/// How a worker takes part in its consumer group.
struct GroupOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Consumer group: workers of one group divide the jobs.", valueName: "name"))
  var group = "focus"

  @Option(
    help:
      "exactly-once publishes results and offsets in transactions; at-least-once may publish a result twice after a crash."
  )
  var delivery = DeliveryGuarantee.exactlyOnce

  @Option(
    help: ArgumentHelp(
      "Names this worker's transactions; of two workers with one name the older must end. (default: the group and the "
        + "host's name)", valueName: "name"))
  var transactionalId: String?

  @Option(
    help: ArgumentHelp(
      "How often a job may be begun without an end, as its worker died, before it becomes a dead letter.",
      valueName: "count"))
  var maxAttempts = 3

  func apply(to settings: inout KafkaSettings) {
    settings.group = group
    settings.delivery = delivery
    settings.transactionalID = transactionalId
    settings.attemptLimit = max(1, maxAttempts)
  }
}

extension DeliveryGuarantee: ExpressibleByArgument {}
