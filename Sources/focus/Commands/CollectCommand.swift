import Answering
import ArgumentParser
import FileJobs
import Foundation
import KafkaJobs
import Logging

/// `focus collect`: takes the results of submitted jobs out of Kafka.
struct CollectCommand: ConfiguredCommand {
  /// With --no-wait: how long nothing may come before every partition's end is reached.
  private static let longestSilence = Duration.seconds(30)

  static let configuration = CommandConfiguration(
    commandName: "collect",
    abstract: "Writes the results of submitted jobs into a file.",
    discussion: """
      focus collect --input jobs.jsonl --output results.jsonl --brokers kafka:9092

      It ends when every question of the job file has a result, or its job a dead letter; with --no-wait, when it has \
      read what is there now. Run again, it goes on where it stopped. Each result is written once, also where one was \
      published twice.
      """)

  @Option(help: ArgumentHelp("The job file that was submitted.", valueName: "file"))
  var input: String?

  @Option(help: ArgumentHelp("File for results; - for standard output.", valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Pass over results that are older, as 90s, 30m, 12h or 30d. (default: read the topics from their beginning)",
      valueName: "age"))
  var since: Age?

  @Option(
    help: ArgumentHelp(
      "Give up after this time without a new result, as 10m. (default: never)", valueName: "age"))
  var patience: Age?

  @Flag(
    inversion: .prefixedNo, exclusivity: .chooseLast,
    help: "Wait for results that are not there yet, or take only what is. (default: --wait)")
  var wait: Bool?

  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: "Begin anew where the output exists.")
  var overwrite: Bool?

  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    guard let input, let output else {
      throw Failure.unusable("add --input FILE, the job file that was submitted, and --output FILE")
    }
    let settings = try kafka.settings()
    var collection = try usingFiles { () throws(FileJobsError) in
      try ResultCollection(
        jobs: input, output: output, overwrite: overwrite ?? false,
        limits: JobLimits(messageBytes: settings.largestRecord))
    }
    let log = Logger(label: "focus.collect")
    if collection.refusedLines > 0 {
      log.warning(
        "\(input) holds \(ProgressText.count(collection.refusedLines, "line")) that are no jobs; nothing will come for them"
      )
    }
    if collection.doubledQuestions > 0 {
      log.warning(
        "\(input) holds \(ProgressText.count(collection.doubledQuestions, "question")) twice, under the same job_id and question_id; each gets one result"
      )
    }
    let drain = Signal()
    let interrupts = Interrupts(beginning: drain, drainTimeout: .seconds(5))
    defer { withExtendedLifetime(interrupts) {} }
    let reader = try connecting { () throws(KafkaFailure) in
      try ResultReader(settings, since: since.map { Date(timeIntervalSinceNow: -Double($0.seconds)) })
    }
    try await collect(from: reader, into: &collection, until: drain)
    try usingFiles { () throws(FileJobsError) in try collection.close() }
    let done = collection.questions - collection.openQuestions
    if collection.repeats > 0 {
      log.info("\(ProgressText.count(collection.repeats, "result")) came again and are written once")
    }
    let failures = collection.failures > 0 ? ", \(collection.failures) of them without an answer" : ""
    StandardError.shared.write(
      "\(done) of \(ProgressText.count(collection.questions, "question")) in \(output)\(failures)")
    if drain.isRaised, !collection.isComplete { throw EarlyEnd(status: .interrupted) }
    if !collection.isComplete {
      if wait == false { throw EarlyEnd(status: .interrupted) }
      throw Failure.environment(
        "no new result for \(patience?.seconds ?? 0) s; is a worker running? The same command goes on from here"
      )
    }
    if collection.failures > 0 || collection.refusedLines > 0 { throw EarlyEnd(status: .someFailed) }
  }

  private func collect(
    from reader: ResultReader, into collection: inout ResultCollection, until drain: Signal
  ) async throws {
    let log = Logger(label: "focus.collect")
    var (lastNew, lastTold, lastHeard) = (ContinuousClock.now, ContinuousClock.now, ContinuousClock.now)
    while !drain.isRaised, wait == false || !collection.isComplete {
      let event: ResultReader.Event
      do {
        event = try await reader.next()
      } catch {
        throw Failure.environment("\(error)")
      }
      let now = ContinuousClock.now
      if case .atEnd = event, wait == false { return }
      if case .nothing = event {
        if wait == false, now - lastHeard > Self.longestSilence {
          throw Failure.environment(
            "nothing has come from the brokers for \(Self.longestSilence.components.seconds) s, and not all that is there was read; the same command goes on from here"
          )
        }
      } else {
        lastHeard = now
      }
      if case .record(let record) = event {
        do {
          if try collection.add(record.value) { lastNew = now }
        } catch let error as FileJobsError {
          throw Failure.environment("\(error)")
        } catch {
          log.warning("a record that is no result is passed over: \(error)")
        }
      }
      if let patience, now - lastNew > .seconds(patience.seconds) { return }
      guard now - lastTold > .seconds(10) else { continue }
      lastTold = now
      log.info(
        "\(collection.questions - collection.openQuestions) of \(collection.questions) questions have results"
      )
    }
  }
}
