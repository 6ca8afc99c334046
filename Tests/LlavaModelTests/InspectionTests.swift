import Answering
import Batching
import Foundation
import Testing
import TokenSampling

@testable import LlavaModel

/// Looking at a question must show what its answer was made of, and change nothing.
@Suite struct InspectionTests {
  private func model(
    _ name: String = "llava-next-gqa", _ change: (inout EngineSettings) -> Void = { _ in }
  ) async throws -> (model: LlavaModel, tiles: [TiledImage]) {
    let (golden, folder) = try Golden.load(name)
    var settings = EngineSettings.forTests
    change(&settings)
    let model = try await LlavaModel.load(
      ModelFiles(
        language: folder.appendingPathComponent("language.gguf").path,
        vision: folder.appendingPathComponent("vision.gguf").path), settings: settings)
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    return (model, golden.runs.map { $0.tiles(bytes) })
  }

  private func question(_ mode: SelectionMode?, _ text: String = "What is on the left?") -> Question {
    var parameters = GenerationParameters()
    parameters.maxTokens = 8
    parameters.selection = mode
    return Question(id: "q", text: text, parameters: parameters)
  }

  @Test(
    arguments: [SelectionMode?.none, .prune, .shared, SelectionMode.none], [HeadReduction.mean, .max])
  func theAnswerIsTheNormalOneAndWhatItKeepsIsMostImportant(
    _ mode: SelectionMode?, _ heads: HeadReduction
  ) async throws {
    let (model, tiles) = try await model {
      $0.selectionLayer = 2
      $0.importanceHeads = heads
    }
    for (index, tiles) in tiles.enumerated() {
      let key = TokenKey(imageSHA256: "\(index)", recipe: "test")
      let image = try await model.compress(tiles, .auto).image
      let question = question(mode)
      let inspection = try await model.inspect(question, about: image, key: key)
      let reply = try await model.answer([question], about: image, key: key)[0]
      #expect(inspection.answer == (try reply.outcome.get()))
      #expect(inspection.ledger == reply.visualTokens)
      #expect(inspection.importance.count == 4)
      #expect(inspection.importance.allSatisfy { $0.count == image.tokenCount })
      #expect(inspection.places.tokenCount == image.tokenCount)
      #expect(inspection.selectionLayer == 2)
      if mode == SelectionMode.none {
        #expect(inspection.kept == nil && inspection.amount == nil)
      } else {
        #expect(inspection.kept == TokenSelection.kept(inspection.importance[1], .ratio(0.5)))
        #expect(inspection.kept?.count == inspection.ledger.selected)
      }
      if heads == .mean { #expect(inspection.importance.allSatisfy { (0...1).contains($0.reduce(0, +)) }) }
    }
  }

  @Test func imagesThatAreNotCompressedAreInspectedToo() async throws {
    let (model, tiles) = try await model()
    let image = try await model.compress(tiles[0], .none).image
    let inspection = try await model.inspect(question(nil), about: image, key: .test)
    #expect(image.scales == nil)
    #expect(inspection.places.tokenCount == image.encodedTokens)
    #expect(inspection.places.overview.windows.count == image.overviewTokens)
  }

  @Test func aQuestionThatIsTooLongIsRefused() async throws {
    let (model, tiles) = try await model()
    let image = try await model.compress(tiles[0], .auto).image
    let long = question(nil, String(repeating: "word ", count: 3000))
    await #expect(throws: Rejection.self) { try await model.inspect(long, about: image, key: .test) }
    // And the next one is answered.
    _ = try await model.inspect(question(nil), about: image, key: .test)
  }

  /// Every layer's importance against the PyTorch reference, also where the prompt comes in several steps.
  @Test(arguments: SamplerGoldenTests.cases, [512, 16]) func everyLayerMatches(
    _ name: String, stepRows: Int
  ) throws {
    let (golden, folder) = try Golden.load(name)
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    let language = try golden.engine(in: folder).language
    let width = language.parameters.width
    for run in golden.runs {
      for sample in [Golden.Compression(of: run)] + (run.compressions ?? []) {
        let imageRows = sample.image_rows.floats(bytes)
        let (before, count) = (run.prompt.before.count, imageRows.count / width)
        let newlines = Set(sample.newlines.enumerated().map { $1 + $0 })
        var scheduler = Scheduler(cells: language.arena.cells, stepRows: stepRows)
        let prompt = run.prompt.question + run.prompt.after
        scheduler.add(
          GroupPlan(
            id: 0, prefixRows: before + count,
            questions: [QuestionPlan(promptRows: prompt.count, selects: true, answerRows: 0)]))
        for heads in HeadReduction.allCases {
          let layers = LayerImportance(
            language: language, heads: heads,
            visualRows: (0..<count).filter { !newlines.contains($0) }.map { before + $0 },
            questionRows: 0..<run.prompt.question.count)
          var scheduler = scheduler
          var found: [[Float]]?
          while found == nil, let step = scheduler.nextStep() {
            found = try layers.compute(step) { content in
              guard case .prefix(let index) = content else {
                if case .prompt(_, let index) = content { return .token(prompt[index]) }
                return .token(0)
              }
              let row = index - before
              return row < 0
                ? .token(run.prompt.before[index]) : .image(imageRows[row * width..<(row + 1) * width])
            }
          }
          let expected = heads == .mean ? sample.importance : sample.importance_max_heads
          let importance = try #require(found)
          #expect(importance.count == expected.shape[0])
          for (layer, importance) in importance.enumerated() {
            #expect(
              relativeError(importance, expected.row(layer, bytes)) < 1e-3,
              "\(name) \(run.name), layer \(layer + 1), \(heads)")
          }
        }
      }
    }
  }
}
