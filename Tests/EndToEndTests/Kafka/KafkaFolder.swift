import Adversary
import Foundation
import Testing

/// A folder with images, a broker and a job file, and the commands of `focus` on them.
final class KafkaFolder: Sendable {
  static let images = ["cat.jpg", "quarters.png", "pixel.png", "orientation6.jpg"]

  let folder: TemporaryFolder
  let broker: TansuBroker
  /// Job and question ids as a result names them.
  let questions: [String]

  /// Jobs with two questions each: the first `jobs` are submitted, the `later` ones are not yet.
  init(jobs: Int, later: Int = 0) async throws {
    folder = try TemporaryFolder()
    broker = try await TansuBroker(in: folder)
    try folder.add(images: Self.images)
    let asked = (0..<2).map { #"{"question_id":"\#($0)","text":"Question \#($0)?"}"# }.joined(separator: ",")
    let lines = (0..<jobs + later).map {
      jobLine(String($0), uri: Self.images[$0 % Self.images.count], questions: "[\(asked)]")
    }
    try folder.write(lines, to: "jobs.jsonl")
    try folder.write(Array(lines[..<jobs]), to: "first.jsonl")
    try folder.write(Array(lines[jobs...]), to: "later.jsonl")
    questions = lines.indices.flatMap { ["\($0)/0", "\($0)/1"] }.sorted()
    try await submit("first.jsonl")
  }

  func submitLater() async throws { try await submit("later.jsonl") }

  private func submit(_ name: String) async throws {
    let ending = try await focus(["submit", folder.path(name), "--brokers", broker.address]).end()
    guard ending.status == 0 else { throw SubmissionFailure(description: ending.errors) }
  }

  struct SubmissionFailure: Error, CustomStringConvertible { var description: String }

  func focus(_ arguments: [String], variables: [String: String] = [:]) throws -> FocusRun {
    try FocusRun(arguments, in: folder, variables: try TansuBroker.variables.merging(variables) { $1 })
  }

  /// Short sessions: a dead worker's partitions come free soon.
  ///
  /// - Parameters:
  ///   - name: of its transactions.
  ///   - failpoints: where it dies or stands still.
  func worker(_ name: String, failpoints: String = "", _ arguments: [String] = []) throws -> FocusRun {
    try focus(
      [
        "worker", "--model", Package.model("llava-1.5-mha"), "--threads", "1", "--max-tokens", "6",
        "--image-root", folder.url.path, "--cache", "sqlite:\(folder.path("tokens.sqlite"))",
        "--brokers", broker.address, "--transactional-id", name, "--listen", "none",
        "--kafka-property", "session.timeout.ms=6000", "--kafka-property", "heartbeat.interval.ms=500",
      ] + arguments, variables: failpoints.isEmpty ? [:] : ["FOCUS_FAILPOINTS": failpoints])
  }

  func collector(_ output: String = "out.jsonl", _ arguments: [String] = []) throws -> FocusRun {
    try focus(
      [
        "collect", "--input", folder.path("jobs.jsonl"), "--output", folder.path(output),
        "--brokers", broker.address, "--patience", "120s",
      ] + arguments)
  }

  /// Waits until every question has its result.
  func collectEverything() async throws {
    let ending = try await collector().end()
    #expect(ending.status == 0, "\(ending.errors)")
  }

  /// What is published by now: job and question ids, sorted, and whether something came more than once.
  func published() async throws -> (questions: [String], hasRepeats: Bool) {
    let output = "published-\(UUID().uuidString).jsonl"
    let ending = try await collector(output, ["--no-wait"]).end()
    return (
      try folder.results(output).map(\.question).sorted(), ending.errors.contains("came again")
    )
  }

  func expectEverythingPublished() async throws {
    #expect(try await published().questions == questions)
  }
}
