import ArgumentParser
import Foundation
import LlavaModel

/// `focus bench`: the throughput of each stage of the model on this machine.
struct BenchCommand: ConfiguredCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures the throughput of each stage of the model.",
    discussion: "What the model says meanwhile means nothing. script/bench compares with llama.cpp.")

  @Option(help: ArgumentHelp("Rows of the timed prefill.", valueName: "count"))
  var prefill = 512

  @Option(help: ArgumentHelp("Tokens of the timed decode.", valueName: "count"))
  var decode = 32

  @Option(help: ArgumentHelp("Tiles of the timed image.", valueName: "count"))
  var tiles = 1

  @Option(help: ArgumentHelp("How often each stage is timed, after one untimed run.", valueName: "count"))
  var repetitions = 5

  @Flag(inversion: .prefixedNo, exclusivity: .chooseLast, help: "Print JSON instead of a table.")
  var json: Bool?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Settings and logs") var shared: SharedOptions

  func run() async throws {
    LogLines.start(shared)
    for (value, flag) in [
      (prefill, "--prefill"), (decode, "--decode"), (tiles, "--tiles"), (repetitions, "--repetitions"),
    ] where value < 1 {
      throw Failure.unusable("\(flag) must be at least 1, not \(value)")
    }
    let start = ContinuousClock.now
    let loaded = try await loadModel(model)
    let load = (ContinuousClock.now - start) / .seconds(1)

    var rows: [StageSpeed] = []
    for (stage, unit, amount) in [
      (Stage.prefill(rows: prefill), "tokens", prefill), (.decode(tokens: decode), "tokens", decode),
      (.vision(tiles: tiles), "tiles", tiles),
    ] {
      _ = try await loaded.time(stage)
      var seconds: [Double] = []
      for _ in 0..<repetitions { seconds.append(try await loaded.time(stage)) }
      rows.append(StageSpeed(stage: stage.name, unit: unit, amount: amount, seconds: seconds.sorted()))
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
          "\(row.stage)  median \(format(row.median)) s of \(row.seconds.count)"
            + "  \(format(Double(row.amount) / row.median)) \(row.unit)/s")
      }
    }
  }

  private func format(_ value: Double) -> String { String(format: "%.3f", value) }

  private struct Report: Encodable {
    var model: String
    var loadSeconds: Double
    var stages: [StageSpeed]
  }
}

/// Timings of one stage, ascending.
struct StageSpeed: Encodable {
  var stage: String
  var unit: String
  var amount: Int
  var seconds: [Double]

  var median: Double { seconds[seconds.count / 2] }
}

extension Stage {
  /// Of one width, for a table.
  fileprivate var name: String {
    switch self {
    case .prefill: "prefill"
    case .decode: "decode "
    case .vision: "vision "
    }
  }
}
