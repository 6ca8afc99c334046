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
      partition, so that one worker answers them together.
      """)

  @Argument(help: ArgumentHelp("Job lines; - for standard input.", valueName: "file"))
  var input: String

  @OptionGroup(title: "Kafka") var kafka: KafkaOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    let settings = try kafka.settings()
    var lines = try usingFiles { () throws(FileJobsError) in
      try JobLines(input, limits: JobLimits(messageBytes: settings.largestRecord))
    }
    let submitter = try connecting { () throws(KafkaFailure) in try JobSubmitter(settings) }
    let log = Logger(label: "focus.submit")
    var (jobs, questions, refused) = (0, 0, 0)
    while let line = try usingFiles({ () throws(FileJobsError) in try lines.next() }) {
      switch line.job {
      case .failure(let rejection):
        refused += 1
        log.warning("\(input):\(line.number) is no job and not submitted: \(rejection)")
      case .success(let job):
        jobs += 1
        questions += job.questions.count
        do {
          try await submitter.submit(line.bytes, about: job.image, number: line.number)
        } catch {
          throw Failure.environment("\(error)")
        }
      }
    }
    let failed = try await submitter.finish()
    for (line, reason) in failed.sorted(by: { $0.key < $1.key }).prefix(20) {
      log.error("\(input):\(line) was not delivered: \(reason)")
    }
    let count = ProgressText.count(jobs - failed.count, "job")
    StandardError.shared.write(
      "submitted \(count) with \(ProgressText.count(questions, "question")) to \(settings.jobsTopic)")
    if !failed.isEmpty {
      throw Failure.environment(
        "\(failed.count) of \(jobs) jobs were not delivered; submit them again, answers carry the same ids")
    }
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
