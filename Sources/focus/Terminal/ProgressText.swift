import Answering
import Foundation

/// How far a run is, in words.
struct ProgressText {
  var counts: RunCounts
  /// How much of the input has been read, from 0 to 1; nil where its length is not known.
  var share: Double?
  /// The share that was read before the first job began: what an earlier run had done.
  var shareAtStart = 0.0
  var elapsed: Duration

  private var jobsPerSecond: Double {
    let seconds = elapsed / .seconds(1)
    return seconds > 0 ? Double(counts.jobsPublished) / seconds : 0
  }

  /// The share that is answered: jobs are read ahead of their answers.
  private var shareDone: Double? {
    // An input that is read in one piece tells nothing about the jobs in it.
    guard let share, shareAtStart < 1 else { return nil }
    let begun = max(0, min(share, 1) - shareAtStart)
    let published = counts.jobsBegun == 0 ? 1 : Double(counts.jobsPublished) / Double(counts.jobsBegun)
    return shareAtStart + begun * published
  }

  /// Time left at the rate so far; nil until it can be told.
  var timeLeft: Duration? {
    guard let shareDone, shareDone > shareAtStart, counts.jobsPublished > 0 else { return nil }
    return elapsed * ((1 - shareDone) / (shareDone - shareAtStart))
  }

  /// For a log line: `120 jobs (30 %), 3.20 jobs/s, 450 answers, 2 failed, 1:28 left`.
  var line: String {
    ([jobs] + details).joined(separator: ", ")
  }

  /// For the terminal: the same behind a bar.
  var bar: String {
    guard let shareDone else { return line }
    let width = 24
    let filled = Int(shareDone * Double(width))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    return ([bar, jobs] + details).joined(separator: "  ")
  }

  private var jobs: String {
    Self.count(counts.jobsPublished, "job") + (shareDone.map { " (\(Int($0 * 100)) %)" } ?? "")
  }

  private var details: [String] {
    let failed = counts.jobsRejected + counts.questionsFailed
    return ["\(Self.figure(jobsPerSecond)) jobs/s", Self.count(counts.questionsAnswered, "answer")]
      + (failed > 0 ? ["\(failed) failed"] : []) + (timeLeft.map { ["\(Self.clock($0)) left"] } ?? [])
  }

  /// The closing summary of a run that read all of its input, or not. `doneEarlier` counts what the output held, `failedEarlier`
  /// the errors and refusals among them.
  func summary(isComplete: Bool = true, doneEarlier: Int = 0, failedEarlier: Int = 0) -> String {
    let failuresEarlier =
      failedEarlier > 0
      ? ["\(failedEarlier) failed in an earlier run; take their lines out of the output to ask again"] : []
    if isComplete, counts.jobsBegun == 0 {
      guard doneEarlier > 0 else { return "nothing to ask" }
      let held = "nothing left to ask: the output holds \(Self.count(doneEarlier, "result")) already"
      return ([held] + failuresEarlier).joined(separator: "\n")
    }
    var lines = [
      "\(Self.count(counts.questionsAnswered, "answer")) to \(Self.count(counts.jobsPublished, "job"))"
        + " in \(Self.length(elapsed))"
    ]
    if counts.jobsRejected > 0 { lines.append(Self.count(counts.jobsRejected, "job") + " rejected") }
    if counts.questionsFailed > 0 {
      lines.append(Self.count(counts.questionsFailed, "question") + " failed")
    }
    lines += failuresEarlier
    if counts.jobsAbandoned > 0 { lines.append(Self.count(counts.jobsAbandoned, "job") + " left unfinished") }
    lines.append(
      "\(Self.figure(jobsPerSecond)) jobs/s, \(counts.promptTokens) prompt tokens, "
        + "\(counts.completionTokens) answer tokens")
    if let cache { lines.append(cache) }
    let stages = Stage.allCases.compactMap { stage in
      counts.stageTimes[stage].map { "\(stage.rawValue) \(Self.figure($0 / .seconds(1))) s" }
    }
    if !stages.isEmpty { lines.append("time in stages, summed over jobs: " + stages.joined(separator: ", ")) }
    return lines.joined(separator: "\n")
  }

  /// `token cache: 12 hits, 3 misses`, and what went wrong; nil where there is no cache.
  private var cache: String? {
    let events = counts.tokenCache
    guard !events.isEmpty else { return nil }
    let hits = events[.hit] ?? 0
    let damaged = events[.damaged] ?? 0
    let unavailable = events[.unavailable] ?? 0
    let misses = (events[.miss] ?? 0) + damaged + unavailable
    let parts: [String?] = [
      Self.count(hits, "hit"), "\(misses) miss\(misses == 1 ? "" : "es")",
      damaged > 0 ? "\(damaged) of them damaged" : nil,
      unavailable > 0 ? "\(unavailable) of them unanswered" : nil,
      events[.unsaved].map { "\($0) not saved" },
    ]
    return "token cache: " + parts.compactMap { $0 }.joined(separator: ", ")
  }

  /// Two significant digits below ten, whole numbers from a hundred.
  static func figure(_ value: Double) -> String {
    switch value {
    case ..<10: fixed(value, digits: 2)
    case ..<100: fixed(value, digits: 1)
    default: fixed(value, digits: 0)
    }
  }

  /// `12 ms`, from a second on `1.20 s`.
  static func milliseconds(_ milliseconds: Double) -> String {
    milliseconds < 1000 ? "\(Int(milliseconds.rounded())) ms" : figure(milliseconds / 1000) + " s"
  }

  private static func fixed(_ value: Double, digits: Int) -> String {
    value.formatted(
      .number.precision(.fractionLength(digits)).grouping(.never).locale(.init(identifier: "C")))
  }

  /// `1 job`, `2 jobs`.
  static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// `3.21 s`, from a minute on as on a clock.
  static func length(_ duration: Duration) -> String {
    duration < .seconds(60) ? figure(duration / .seconds(1)) + " s" : clock(duration)
  }

  /// `0:07`, `12:34`, `3:00:05`.
  static func clock(_ duration: Duration) -> String {
    let hours = duration >= .seconds(3600)
    return duration.formatted(.time(pattern: hours ? .hourMinuteSecond : .minuteSecond))
  }
}
