import Answering
import Batching
import Foundation
import Testing

@testable import LlavaModel

/// The engine against Hugging Face in float32, for every kind of model it reads.
@Suite struct GoldenTests {
  static let cases = [
    "llava-1.5-mha", "llava-1.5-gqa", "llava-next-gqa", "llava-1.5-qwen2", "llava-1.5-siglip",
    "llava-1.5-rope",
  ]

  @Test(arguments: cases) func featuresLogitsAndGreedyTokensMatch(_ name: String) throws {
    let (golden, folder) = try Golden.load(name)
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    let engine = try Engine(
      files: ModelFiles(
        language: folder.appendingPathComponent(golden.language).path,
        vision: folder.appendingPathComponent(golden.vision).standardizedFileURL.path),
      settings: .forTests)
    for run in golden.runs {
      let image = try engine.compress(run.tiles(bytes), .none).image
      let features = image.tokens.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
      let featureError = relativeError(features, run.features.floats(bytes))
      let rows = try engine.tower.rows(of: image)
      let rowError = relativeError(rows, run.image_rows.floats(bytes))
      #expect(image.newlines == run.newlines)
      #expect(featureError < 1e-3)
      #expect(rowError < 1e-3)

      let prefill = try LanguageRun(engine.language).prefill(
        before: run.prompt.before, imageRows: run.image_rows.floats(bytes),
        question: run.prompt.question + run.prompt.after)
      let logitError = relativeError(prefill.lastLogits, run.last_logits.floats(bytes))
      #expect(logitError < 1e-3)
      #expect(prefill.argmax == run.argmax)
      #expect(try prefill.greedy(32) == run.greedy)
      print(
        "\(name) \(run.name): relative L2 error: features \(featureError), image rows \(rowError),"
          + " logits \(logitError)")
    }
  }

  /// A prefix computed in chunks is the same prefix.
  @Test(arguments: [1, 7, 64]) func chunkedPrefillMatches(_ stepRows: Int) throws {
    let (golden, folder) = try Golden.load("llava-next-gqa")
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    let engine = try Engine(files: ModelFiles(directory: folder.path), settings: .forTests)
    let run = try #require(golden.runs.first)
    let prefill = try LanguageRun(engine.language, stepRows: stepRows).prefill(
      before: run.prompt.before, imageRows: run.image_rows.floats(bytes),
      question: run.prompt.question + run.prompt.after)
    #expect(relativeError(prefill.lastLogits, run.last_logits.floats(bytes)) < 1e-3)
    #expect(try prefill.greedy(8) == Array(run.greedy.prefix(8)))
  }
}

extension EngineSettings {
  static var forTests: EngineSettings {
    var settings = EngineSettings()
    settings.device = .cpu
    settings.threads = 2
    settings.contextCells = 512
    settings.tokenType = .f32
    return settings
  }
}

/// Runs plain token ids and image rows through the scheduler and the language model.
final class LanguageRun {
  private let language: LanguageModel
  private var scheduler: Scheduler
  private var tokens: [Int32] = []
  private(set) var argmax: [Int32] = []
  private(set) var lastLogits: [Float] = []

  init(_ language: LanguageModel, stepRows: Int = 512) {
    self.language = language
    scheduler = Scheduler(cells: language.arena.cells, stepRows: stepRows)
  }

  func prefill(before: [Int32], imageRows: [Float], question: [Int32]) throws -> LanguageRun {
    let width = language.parameters.width
    let prefixRows = before.count + imageRows.count / width
    scheduler.add(
      GroupPlan(
        id: 0, prefixRows: prefixRows,
        questions: [QuestionPlan(promptRows: question.count, answerRows: 64)]))
    while var step = scheduler.nextStep() {
      for row in step.slices[0].rows.indices { step.slices[0].rows[row].wantsLogits = true }
      try compute(step) { content in
        switch content {
        case .prefix(let index) where index < before.count: .token(before[index])
        case .prefix(let index):
          .image(imageRows[(index - before.count) * width..<(index - before.count + 1) * width])
        case .prompt(_, let index): .token(question[index])
        case .branch, .answer: .token(0)
        }
      }
    }
    return self
  }

  /// `count` greedy tokens, the first from the prefill's last logits.
  func greedy(_ count: Int) throws -> [Int32] {
    var chosen = [try #require(argmax.last)]
    while chosen.count < count {
      scheduler.goOn(group: 0, question: 0)
      let next = scheduler.nextStep()
      let step = try #require(next)
      let last = try #require(chosen.last)
      try compute(step) { _ in .token(last) }
      chosen.append(try #require(argmax.last))
    }
    return chosen
  }

  private func compute(_ step: Step, _ source: (StepRow.Content) -> PassRows.Source) throws {
    let logits = try language.compute(
      LanguagePass(whole: step, model: language) { _, content in source(content) }
    ).logits
    let width = language.parameters.vocabulary
    for start in stride(from: 0, to: logits.count, by: width) {
      lastLogits = Array(logits[start..<start + width])
      argmax.append(Int32(lastLogits.indices.max { lastLogits[$0] < lastLogits[$1] } ?? 0))
    }
  }
}
