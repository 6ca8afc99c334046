import Answering
import Batching
import Foundation
import Testing

@testable import LlavaModel

/// Passes whose graphs lack or multiply some of the usual parts.
@Suite struct PassShapeTests {
  /// Above the selection there is the last layer alone, which attends to nothing in steps that want no logits.
  @Test(arguments: [SelectionMode.prune, .shared]) func selectingBelowTheLastLayerTakesManySteps(
    _ mode: SelectionMode
  ) throws {
    let (golden, folder) = try Golden.load("llava-next-gqa")
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    let language = try golden.engine(in: folder).language
    let run = try #require(golden.runs.first)
    func answer(stepRows: Int) throws -> SelectedAnswer {
      try SelectedAnswer(
        language, layer: language.parameters.layers - 1, heads: .mean, mode: mode, amount: .ratio(0.5),
        prompt: run.prompt, imageRows: run.image_rows.floats(bytes), newlines: run.newlines,
        stepRows: stepRows
      ).run(tokens: 6)
    }
    let (whole, parts) = (try answer(stepRows: 512), try answer(stepRows: 16))
    #expect(relativeError(parts.importance, whole.importance) < 1e-3)
    #expect(parts.kept == whole.kept)
    #expect(relativeError(parts.logits, whole.logits) < 1e-3)
    #expect(parts.tokens == whole.tokens)
  }

  /// A long prefix is computed in steps where one group's rows go up and another's do not.
  @Test func prefixesOfSeveralGroupsSelectBelowTheLastLayer() async throws {
    let (golden, folder) = try Golden.load("llava-next-gqa")
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    let run = try #require(golden.runs.first)
    var answers: [[String]] = []
    for stepRows in [512, 16] {
      var settings = EngineSettings.forTests
      settings.contextCells = 2048
      settings.stepRows = stepRows
      settings.selectionLayer = 3
      let model = try await LlavaModel.load(ModelFiles(directory: folder.path), settings: settings)
      let image = try await model.compress(run.tiles(bytes), .none).image
      let questions = [SelectionMode.prune, .shared, .none].map { mode in
        var parameters = GenerationParameters()
        parameters.maxTokens = 6
        parameters.selection = mode
        return Question(id: "\(mode)", text: "What is this?", parameters: parameters)
      }
      let replies = try await model.answer(questions, about: image, key: .test)
      answers.append(try replies.map { try $0.outcome.get().text })
    }
    #expect(answers[0] == answers[1])
  }

  /// The importance of more rows than are taken at once is the mean over all of them.
  @Test func longQuestionsAreTakenInParts() throws {
    let (golden, folder) = try Golden.load("llava-1.5-gqa")
    let language = try golden.engine(in: folder).language
    var scheduler = Scheduler(cells: language.arena.cells, stepRows: 512)
    scheduler.add(
      GroupPlan(
        id: 0, prefixRows: 0, questions: [QuestionPlan(promptRows: 200, selects: true, answerRows: 0)]))
    let next = scheduler.nextStep()
    var pass = LanguagePass(whole: try #require(next), model: language) { _, content in
      guard case .prompt(_, let index) = content else { return .token(0) }
      return .token(Int32(10 + index * 7 % 300))
    }
    let rows = [3..<150, 3..<67, 67..<131, 131..<150]
    pass.importances = rows.map { ImportanceRequest(layer: 2, slice: 0, rows: $0) }
    #expect(pass.importanceRows == 64)
    let found = try language.compute(pass).importances
    let expected = found[0].indices.map { cell in
      (1..<4).reduce(Float(0)) { $0 + Float(rows[$1].count) * found[$1][cell] } / Float(rows[0].count)
    }
    #expect(relativeError(found[0], expected) < 1e-5)
    #expect(abs(found[0].reduce(0, +) - Float(language.parameters.heads)) < 1e-3)
  }

  @Test func aStageBeyondTheArenaIsRefused() throws {
    let (golden, folder) = try Golden.load("llava-1.5-gqa")
    let engine = try golden.engine(in: folder)
    for stage in [Stage.prefill(rows: 10_000), .decode(tokens: 10_000)] {
      let error = #expect(throws: ModelError.self) { try engine.time(stage) }
      #expect(error?.description.contains("--context-cells") == true)
    }
    #expect(try engine.time(.prefill(rows: 20)) > 0)
  }

  /// With the nodes that a layer has at most, and importances in the last quarter.
  @Test func asManyGroupsAreAdmittedAsAGraphHasNodesFor() {
    for layers in [1, 4, 32, 80, 256] {
      let groups = LanguageGraph.mostGroups(layers: layers)
      #expect(groups > 1 && layers * (64 + 7 * groups) <= ComputeDevice.maximumNodes * 3 / 4)
    }
  }
}
