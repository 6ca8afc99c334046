import Answering
import ArgumentParser
import Foundation
import LlavaModel

/// `focus bench`: the throughput of each stage of the model on this machine.
struct BenchCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures the throughput of each stage of the model.",
    discussion: "What the model says meanwhile means nothing. script/bench compares with llama.cpp.")

  @Option(
    help: ArgumentHelp(
      "Stage to time: prefill, decode, vision (tower and projector) or questions (one answer token each, about one "
        + "compressed image, with selection). Repeatable. (default: all)", valueName: "name"))
  var stage: [BenchStage] = []

  @Option(help: ArgumentHelp("Rows of the timed prefill.", valueName: "count"))
  var prefill = 512

  @Option(help: ArgumentHelp("Tokens of the timed decode.", valueName: "count"))
  var decode = 32

  @Option(help: ArgumentHelp("Tiles of the timed image.", valueName: "count"))
  var tiles = 1

  @Option(help: ArgumentHelp("Questions asked together.", valueName: "count"))
  var questions = 8

  @Option(help: ArgumentHelp("How often each stage is timed, after one untimed run.", valueName: "count"))
  var repetitions = 5

  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: "Print JSON instead of a table.")
  var json: Bool?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    for (value, flag) in [
      (prefill, "--prefill"), (decode, "--decode"), (tiles, "--tiles"), (questions, "--questions"),
      (repetitions, "--repetitions"),
    ] where value < 1 {
      throw Failure.unusable("\(flag) must be at least 1, not \(value)")
    }
    let start = ContinuousClock.now
    let loaded = try await loadModel(model)
    let load = (ContinuousClock.now - start) / .seconds(1)

    var rows: [StageSpeed] = []
    for stage in stage.isEmpty ? BenchStage.allCases : stage {
      let (unit, amount, work) = try await work(stage, loaded)
      _ = try await work()
      var seconds: [Double] = []
      for _ in 0..<repetitions { seconds.append(try await work()) }
      rows.append(StageSpeed(stage: stage.rawValue, unit: unit, amount: amount, seconds: seconds.sorted()))
    }
    if json ?? false {
      let report = Report(model: loaded.identity.name, loadSeconds: load, stages: rows)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
      print(String(decoding: try encoder.encode(report), as: UTF8.self))
    } else {
      print("\(loaded.identity.name): loaded in \(format(load)) s")
      for row in rows {
        print(
          "\(row.stage.padding(toLength: 9, withPad: " ", startingAt: 0))  median \(format(row.median)) s of "
            + "\(row.seconds.count)  \(format(Double(row.amount) / row.median)) \(row.unit)/s")
      }
    }
  }

  /// What is counted, how much of it, and what returns the seconds that it takes.
  private func work(
    _ stage: BenchStage, _ model: LlavaModel
  ) async throws -> (unit: String, amount: Int, seconds: () async throws -> Double) {
    switch stage {
    case .prefill: return ("tokens", prefill, { try await model.time(.prefill(rows: prefill)) })
    case .decode: return ("tokens", decode, { try await model.time(.decode(tokens: decode)) })
    case .vision: return ("tiles", tiles, { try await model.time(.vision(tiles: tiles)) })
    case .questions:
      let image = try await model.compress(TiledImage.noise(tiles: tiles, model.tilingRules), .auto).image
      let asked = (0..<questions).map { number in
        var question = Question(id: "\(number)", text: "What is shown in part \(number) of the picture?")
        question.parameters.maxTokens = 1
        return question
      }
      return (
        "questions", questions,
        {
          // A key of its own, so that no prefix of the time before is found.
          let key = TokenKey(imageSHA256: UUID().uuidString, recipe: "")
          let start = ContinuousClock.now
          _ = try await model.answer(asked, about: image, key: key)
          return (ContinuousClock.now - start) / .seconds(1)
        }
      )
    }
  }

  private func format(_ value: Double) -> String { String(format: "%.3f", value) }

  private struct Report: Encodable {
    var model: String
    var loadSeconds: Double
    var stages: [StageSpeed]
  }
}

enum BenchStage: String, CaseIterable, ExpressibleByArgument, Sendable {
  case prefill
  case decode
  case vision
  case questions
}

/// Timings of one stage, ascending.
struct StageSpeed: Encodable {
  var stage: String
  var unit: String
  var amount: Int
  var seconds: [Double]

  var median: Double { seconds[seconds.count / 2] }
}
