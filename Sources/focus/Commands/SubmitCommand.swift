import Answering
import ArgumentParser
import FileJobs
import KafkaJobs
import Logging

/// `focus submit`: puts a file's jobs into the topic.
struct SubmitCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit",
    abstract: "Puts the jobs of a file into Kafka.",
    discussion: """
      focus submit jobs.jsonl --brokers kafka:9092

      Lines that are no jobs are told and left out; nothing is changed in the others. Jobs on one image go to one \
      partition, so that one worker answers them together. Where the brokers go away for long, it says which line to \
      go on from.
      """)

  @Argument(help: ArgumentHelp("Job lines; - for standard input.", valueName: "file"))
  var input: String

  @Option(help: ArgumentHelp("Line to begin with. (default: 1)", valueName: "line"))
  var fromLine: Int?

  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    if let fromLine, fromLine < 1 {
      throw Failure.unusable("--from-line must be at least 1, not \(fromLine)")
    }
    let settings = try kafka.settings()
    var lines = try usingFiles { () throws(FileJobsError) in
      try JobLines(input, limits: JobLimits(messageBytes: settings.largestRecord))
    }
    let submitter = try connecting { () throws(KafkaFailure) in try JobSubmitter(settings) }
    let log = Logger(label: "focus.submit")
    var (jobs, questions, refused) = (0, 0, 0)
    var stop: (line: Int, reason: String)?
    while stop == nil, let line = try usingFiles({ () throws(FileJobsError) in try lines.next() }) {
      if line.number < fromLine ?? 1 { continue }
      switch line.job {
      case .failure(let rejection):
        refused += 1
        log.warning("\(input):\(line.number) is no job and not submitted: \(rejection)")
      case .success(let job):
        do {
          try await submitter.submit(line.bytes, about: job.image, number: line.number)
          jobs += 1
          questions += job.questions.count
        } catch let failure as KafkaFailure {
          stop = (line.number, "\(failure)")
          log.warning("\(failure); waiting for what is on its way")
        }
      }
    }
    let undelivered = try await submitter.finish()
    for (line, reason) in undelivered.refused.sorted(by: { $0.key < $1.key }) {
      refused += 1
      log.warning("\(input):\(line) was refused by the brokers: \(reason)")
    }
    jobs -= undelivered.refused.count + undelivered.missed.count
    let missed = undelivered.missed.min { $0.key < $1.key }.map { (line: $0.key, reason: $0.value) }
    if let first = missed ?? stop {
      throw Failure.environment(
        "\(input):\(first.line) is the first job that did not reach \(settings.jobsTopic): \(first.reason); "
          + "\(ProgressText.count(jobs, "job")) did. Go on with --from-line \(first.line): "
          + "a later job that did reach it is answered twice then, under the same ids")
    }
    StandardError.shared.write(
      "submitted \(ProgressText.count(jobs, "job")) with \(ProgressText.count(questions, "question")) "
        + "to \(settings.jobsTopic)")
    if refused > 0 { throw EarlyEnd(status: .someFailed) }
  }
}

/// Runs what may find that a file cannot be used. Throws `Failure`.
func usingFiles<Value>(_ work: () throws(FileJobsError) -> Value) throws -> Value {
  do {
    return try work()
  } catch {
    throw error.isRetryable ? Failure.environment("\(error)") : Failure.unusable("\(error)")
  }
}

/// Runs what may find that Kafka cannot be used. Throws `Failure`.
func connecting<Value>(_ work: () throws(KafkaFailure) -> Value) throws -> Value {
  do {
    return try work()
  } catch .settings(let reason) {
    throw Failure.unusable(reason)
  } catch {
    throw Failure.environment("\(error)")
  }
}
