import Answering
import Batching

/// One stage of the engine, timed alone.
public enum Stage: Sendable, Equatable {
  /// A prompt of this many rows, with the last row's logits.
  case prefill(rows: Int)
  /// This many tokens one after another, after an empty prompt.
  case decode(tokens: Int)
  /// The vision tower and the projector over an image of this many tiles.
  case vision(tiles: Int)
}

extension LlavaModel {
  /// Seconds that `stage` takes, once. Nothing else may be running.
  public func time(_ stage: Stage) throws -> Double {
    try engine.time(stage)
  }
}

extension TiledImage {
  /// A picture of noise, to time with.
  public static func noise(tiles: Int, _ rules: TilingRules) -> TiledImage {
    let size = rules.tileSize
    let pixels = (0..<tiles * size * size * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 8) }
    return TiledImage(
      tileSize: size, pixels: pixels, grid: .init(columns: tiles - 1, rows: 1),
      originalSize: .init(width: max(1, tiles - 1) * size, height: size))
  }
}

extension Engine {
  func time(_ stage: Stage) throws -> Double {
    switch stage {
    case .prefill(let rows):
      return try time(GroupPlan(id: 0, prefixRows: 0, questions: [.init(promptRows: rows, answerRows: 0)]), 0)
    case .decode(let tokens):
      let plan = GroupPlan(id: 0, prefixRows: 0, questions: [.init(promptRows: 1, answerRows: tokens)])
      return try time(plan, tokens)
    case .vision(let tiles):
      let image = TiledImage.noise(tiles: tiles, tilingRules)
      return try seconds { _ = try tower.project(try compress(image, .none).image) }
    }
  }

  /// Runs a plan whose prompt is `plan`'s and whose answer has `answerRows` rows; only the latter are timed
  /// where there are any.
  private func time(_ plan: GroupPlan, _ answerRows: Int) throws -> Double {
    let cells = language.arena.cells
    guard plan.leastCells <= cells else {
      throw ModelError.setting(
        "the stage takes \(plan.leastCells) key/value cells, but there are \(cells): raise --context-cells")
    }
    var scheduler = Scheduler(cells: cells, stepRows: 512)
    scheduler.add(plan)
    func step() throws {
      guard let step = scheduler.nextStep() else { return }
      _ = try language.compute(LanguagePass(whole: step, model: language) { _, _ in .token(1) })
    }
    let prompt = try seconds { for _ in 0..<(plan.questions[0].promptRows + 511) / 512 { try step() } }
    guard answerRows > 0 else { return prompt }
    return try seconds {
      for _ in 0..<answerRows {
        scheduler.goOn(group: 0, question: 0)
        try step()
      }
    }
  }

  private func seconds(_ work: () throws -> Void) rethrows -> Double {
    try ContinuousClock().measure(work).milliseconds / 1000
  }
}
