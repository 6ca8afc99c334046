import Answering
import Dispatch
import Foundation
import KafkaJobs
import StubAnswers

/// The worker with a model that costs nothing: what is left is the pipeline's and Kafka's own.
///
///     StubWorker BROKERS NAME [exactly-once|at-least-once [COMMITTED [SECONDS]]]
///
/// SIGTERM drains it. It appends the ids of the jobs that are committed to the file COMMITTED, a line each, and takes
/// SECONDS for a job. At the end it says how many jobs it answered and the CPU time that took.
@main
struct StubWorker {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 3 else {
      print("usage: StubWorker BROKERS NAME [exactly-once|at-least-once [COMMITTED [SECONDS]]]")
      exit(2)
    }
    var settings = KafkaSettings(brokers: arguments[1])
    settings.transactionalID = arguments[2]
    settings.delivery = arguments.dropFirst(3).first.flatMap(DeliveryGuarantee.init) ?? .exactlyOnce
    settings.readAhead = 2048
    settings.properties = ["session.timeout.ms": "6000", "heartbeat.interval.ms": "500"]
    let notes = try arguments.dropFirst(4).first.map(CommittedJobs.init)
    let seconds = arguments.dropFirst(5).first.flatMap(Double.init) ?? 0
    let drain = Signal()
    signal(SIGTERM, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
    source.setEventHandler { @Sendable in drain.raise() }
    source.resume()
    let worker = KafkaWorker(settings) { connection in
      Pipeline(
        source: connection.source, images: StubImages(),
        model: StubModel { _ in if seconds > 0 { try await Task.sleep(for: .seconds(seconds)) } },
        sink: connection.sink,
        settings: PipelineSettings(jobsInFlight: 256, lookAhead: 256, drainTimeout: .seconds(20)),
        observer: notes)
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

/// Notes jobs whose offsets are committed, in a file that outlives the process.
struct CommittedJobs: ProgressObserver {
  private let file: Int32

  init(_ path: String) throws {
    file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644)
    if file < 0 { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
  }

  func observe(_ event: ProgressEvent) {
    guard case .published(.answered(_, let job, _)) = event else { return }
    let line = Array("\(job.id)\n".utf8)
    // Whole lines, whoever else writes.
    _ = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
  }
}
