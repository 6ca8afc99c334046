import Answering
import Dispatch
import Foundation
import KafkaJobs
import StubAnswers

/// The worker with a model that costs nothing: what is left is the pipeline's and Kafka's own.
///
///     StubWorker BROKERS NAME [exactly-once|at-least-once]
///
/// SIGTERM drains it. On standard output it says at the end how many jobs it answered and the CPU time that took.
@main
struct StubWorker {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 3 else {
      print("usage: StubWorker BROKERS NAME [exactly-once|at-least-once]")
      exit(2)
    }
    var settings = KafkaSettings(brokers: arguments[1])
    settings.transactionalID = arguments[2]
    settings.delivery = arguments.dropFirst(3).first.flatMap(DeliveryGuarantee.init) ?? .exactlyOnce
    settings.readAhead = 2048
    settings.properties = ["session.timeout.ms": "6000", "heartbeat.interval.ms": "500"]
    let drain = Signal()
    signal(SIGTERM, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
    source.setEventHandler { @Sendable in drain.raise() }
    source.resume()
    let worker = KafkaWorker(settings) { connection in
      Pipeline(
        source: connection.source, images: StubImages(), model: StubModel(), sink: connection.sink,
        settings: PipelineSettings(jobsInFlight: 256, lookAhead: 256, drainTimeout: .seconds(20)))
    }
    do {
      let ending = try await worker.run(until: drain)
      print("\(ending.counts.jobsPublished) jobs, \(clock() / (CLOCKS_PER_SEC / 1000)) ms of CPU")
    } catch {
      print("\(error)")
      exit(3)
    }
  }
}
