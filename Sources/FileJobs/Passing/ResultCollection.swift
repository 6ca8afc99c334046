import Answering
import Foundation

/// Results and dead letters of a job file's jobs, collected into a file as they come from elsewhere: each once, in any
/// order, until every question has one. Begun again with the same files it goes on where it stopped.
///
/// Holds about 40 bytes in memory for each job and for each question.
public struct ResultCollection {
  /// Questions without a result. Results of others, as of an earlier file with the same job ids, are passed over.
  private var open: Set<ProgressKey> = []
  /// How many of them each job id has. Lines may share one, with other questions.
  private var openOfJob: [ProgressKey: Int] = [:]
  /// What the output held, and what came since.
  private var done: Set<ProgressKey> = []
  private var seen: Set<ProgressKey> = []
  private let output: FileDescriptor
  private let results = JobRecords()

  public private(set) var questions = 0
  public private(set) var openQuestions = 0
  /// Results with an error in place of an answer, and questions of refused jobs.
  public private(set) var failures = 0
  /// Results that came more than once: from workers that publish at least once, or jobs that were submitted twice.
  public private(set) var repeats = 0
  /// Lines of the job file that are no jobs: nothing will come for them.
  public private(set) var refusedLines = 0
  /// Questions of the job file that stand in it before, under the same ids: one result is all there will be.
  public private(set) var doubledQuestions = 0

  public var isComplete: Bool { openQuestions == 0 }

  /// - Parameters:
  ///   - jobs: the file that was submitted.
  ///   - output: begun if it is not there; `-` for standard output.
  public init(
    jobs: String, output: String, overwrite: Bool = false, limits: JobLimits = .records
  ) throws(FileJobsError) {
    var lines = try JobLines(jobs, limits: limits)
    while let line = try lines.next() {
      guard case .success(let job) = line.job else {
        refusedLines += 1
        continue
      }
      for question in job.questions {
        guard open.insert(.answer(job: job.id, question: question.id)).inserted else {
          doubledQuestions += 1
          continue
        }
        openOfJob[.refusedJob(job.id), default: 0] += 1
      }
    }
    questions = open.count
    openQuestions = questions
    guard output != FileRun.stream else {
      self.output = .standardOutput
      return
    }
    let file = try FileDescriptor.appending(output)
    self.output = file
    guard file.isRegular else { return }
    try file.lock()
    if overwrite { try file.truncate(to: 0) }
    let length = try ResumableOutput.lengthOfWholeLines(file)
    if length < file.length { try file.truncate(to: length) }
    var earlier = LineReader(try .reading(output), limit: JobLimits.files.messageBytes)
    while let line = try earlier.next() {
      do throws(Rejection) {
        _ = try take(line.bytes)
      } catch {
        throw .damagedOutput(path: output, line: line.number, reason: error.message)
      }
    }
    (done, seen) = (seen, [])
  }

  /// Writes the record if it is the first for an open question. Whether it was.
  ///
  /// Throws a `Rejection` where it is no result and no dead letter, and `FileJobsError`.
  public mutating func add(_ record: Data) throws -> Bool {
    guard try take(record) else { return false }
    try output.write(Array(record) + [UInt8(ascii: "\n")])
    return true
  }

  /// Waits until everything is on the disk.
  public func close() throws(FileJobsError) {
    if output.isRegular { try output.synchronize() }
  }

  private mutating func take(_ record: Data) throws(Rejection) -> Bool {
    let fields = try JSONFields(JSONValue(parsing: record))
    guard fields["reason"] == nil else { return try takeDeadLetter(record) }
    let job = try fields.requiredText("job_id")
    let question = ProgressKey.answer(job: job, question: try fields.requiredText("question_id"))
    guard open.remove(question) != nil else {
      if seen.contains(question) { repeats += 1 }
      // What the output holds comes once more where the topic is read again.
      if done.remove(question) != nil { seen.insert(question) }
      return false
    }
    seen.insert(question)
    guard closed(1, of: job) == 1 else { return false }
    if fields["error"] != nil { failures += 1 }
    return true
  }

  private mutating func takeDeadLetter(_ record: Data) throws(Rejection) -> Bool {
    let letter = try DeadLetter(json: record)
    guard let job = letter.jobID else { return false }
    var refused = Int.max
    // The line itself says which questions these are. Where the letter lost it, they are all that are open.
    if let line = letter.payload, !line.isTruncated, let asked = try? Job(json: line.bytes).questions {
      refused = 0
      for question in asked {
        let key = ProgressKey.answer(job: job, question: question.id)
        if open.remove(key) != nil {
          seen.insert(key)
          refused += 1
        }
      }
    }
    refused = closed(refused, of: job)
    failures += refused
    return refused > 0
  }

  /// Closes so many of the job's questions, or all that are open. How many.
  private mutating func closed(_ count: Int, of job: String) -> Int {
    let key = ProgressKey.refusedJob(job)
    guard let left = openOfJob[key] else { return 0 }
    let count = min(count, left)
    openOfJob[key] = count == left ? nil : left - count
    openQuestions -= count
    return count
  }
}
