import Answering
import Foundation
import Testing

@testable import LlavaModel

@Suite struct ChoiceTests {
  /// Each choice's probability against one plain prefill for every node of the tree.
  @Test func probabilitiesAreThoseOfAGrammarOfTheChoices() async throws {
    let (golden, folder) = try Golden.load("llava-1.5-gqa")
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    let run = try #require(golden.runs.first)
    let choices = ["cat", "cat and dog", "catalogue", "a dog", "no"]

    let model = try await LlavaModel.load(ModelFiles(directory: folder.path), settings: .forTests)
    let image = try await model.compress(run.tiles(bytes), .none).image
    var parameters = GenerationParameters()
    parameters.choices = choices
    parameters.logprobs = true
    parameters.selection = SelectionMode.none
    let question = Question(id: "q", text: "Which?", parameters: parameters)
    let answer = try await model.answer([question], about: image, key: .test)[0].outcome.get()
    let found = try #require(answer.choiceProbabilities)
    #expect(found.map(\.choice) == choices)
    #expect(abs(found.reduce(0) { $0 + $1.probability } - 1) < 1e-9)
    #expect(answer.text == found.max { $0.probability < $1.probability }?.choice)

    let engine = try Engine(files: ModelFiles(directory: folder.path), settings: .forTests)
    let tokenizer = try Tokenizer(GGUFFile(path: folder.appendingPathComponent("language.gguf").path))
    let tokens = choices.map(engine.prompt.tokens(ofAnswer:))
    let rows = try engine.tower.rows(of: image)
    func logits(after: [Int32]) throws -> [Double] {
      try LanguageRun(engine.language).prefill(
        before: engine.prompt.tokensBeforeImage(system: nil), imageRows: rows,
        question: engine.prompt.tokensAfterImage(question: "Which?").tokens + after
      ).lastLogits.map(Double.init)
    }
    for (choice, path) in tokens.enumerated() {
      var probability = 1.0
      for depth in 0...path.count {
        let prefix = Array(path.prefix(depth))
        let next = Set(tokens.filter { $0.starts(with: prefix) && $0.count > depth }.map { $0[depth] })
        let ends = tokens.contains(prefix)
        if next.count + (ends ? 1 : 0) < 2 { continue }
        let values = try logits(after: prefix)
        let end = ends ? tokenizer.ends.reduce(0.0) { $0 + exp(values[Int($1)]) } : 0
        let sum = next.reduce(end) { $0 + exp(values[Int($1)]) }
        probability *= (depth == path.count ? end : exp(values[Int(path[depth])])) / sum
      }
      #expect(abs(found[choice].probability - probability) < 1e-4, "\(choices[choice])")
    }
  }

  @Test func nodesWithNothingToDecideAreNotComputed() {
    #expect(ChoiceTree([[1], [2], [3]]).branches.isEmpty)
    #expect(ChoiceTree([[1, 5, 6, 7], [2]]).branches.isEmpty)
    let tree = ChoiceTree([[1, 2], [1, 3], [4]])
    #expect(tree.branches.map { tree.nodes[$0].token } == [1])
    #expect(ChoiceTree([[1], [1, 2]]).branchParents == [-1])
    // Something is decided three tokens down: all rows to there are needed.
    #expect(ChoiceTree([[1, 2, 3, 4], [1, 2, 3, 5]]).branchParents == [-1, 0, 1])
  }

  @Test func onlyNodesThatDecideWantLogits() {
    let late = ChoiceTree([[1, 2, 3, 4], [1, 2, 3, 5]])
    #expect(late.decidingBranches == [2] && late.deciding == [3])
    #expect(ChoiceTree([[1], [2]]).deciding == [0])
    #expect(ChoiceTree([[1], [1, 2]]).decidingBranches == [0])
    // Two texts of the same tokens: nothing is decided, and they share the probability.
    let same = ChoiceTree([[1, 2], [1, 2]])
    #expect(same.branches.isEmpty && same.deciding.isEmpty)
    #expect(same.probabilities([:], choices: 2) == [0.5, 0.5])
    // Nodes that decide nothing leave the probabilities as they are.
    let decision = ChoiceTree.Decision(children: [log(0.2), log(0.6)], end: 0)
    let found = late.probabilities([3: decision], choices: 2)
    #expect(zip(found, [0.25, 0.75]).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  /// Choices that begin alike, in whole and in small steps, some of which have no row that decides.
  @Test func choicesThatBeginAlikeAreAnsweredInAnySteps() async throws {
    let (golden, folder) = try Golden.load("llava-1.5-gqa")
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    let run = try #require(golden.runs.first)
    var parameters = GenerationParameters()
    parameters.choices = ["a long way from here", "a long way from home"]
    parameters.selection = SelectionMode.none
    let question = Question(id: "q", text: "Where?", parameters: parameters)
    var found: [[Float]] = []
    for stepRows in [512, 2] {
      var settings = EngineSettings.forTests
      settings.stepRows = stepRows
      let model = try await LlavaModel.load(ModelFiles(directory: folder.path), settings: settings)
      let image = try await model.compress(run.tiles(bytes), .none).image
      let answer = try await model.answer([question], about: image, key: .test)[0].outcome.get()
      found.append(try #require(answer.choiceProbabilities).map { Float($0.probability) })
    }
    #expect(abs(found[0].reduce(0, +) - 1) < 1e-6)
    #expect(relativeError(found[1], found[0]) < 1e-3)
  }
}
