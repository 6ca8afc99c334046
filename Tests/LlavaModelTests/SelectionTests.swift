import Answering
import Foundation
import Testing

@testable import LlavaModel

/// Selection and compression through the whole engine, on a tiny model with random weights.
@Suite struct SelectionTests {
  private func model(
    _ name: String = "llava-next-gqa", cells: Int = 2048, _ change: (inout EngineSettings) -> Void = { _ in }
  ) async throws -> (model: LlavaModel, images: [CompressedImage]) {
    let (golden, folder) = try Golden.load(name)
    var settings = EngineSettings.forTests
    settings.contextCells = cells
    change(&settings)
    let files = ModelFiles(
      language: folder.appendingPathComponent("language.gguf").path,
      vision: folder.appendingPathComponent("vision.gguf").path)
    let model = try await LlavaModel.load(files, settings: settings)
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    var images: [CompressedImage] = []
    for run in golden.runs { images.append(try await model.compress(run.tiles(bytes), .auto).image) }
    return (model, images)
  }

  private func question(
    _ text: String, _ mode: SelectionMode, ratio: Double? = nil, tokens: Int = 10
  ) -> Question {
    var parameters = GenerationParameters()
    parameters.maxTokens = tokens
    parameters.selection = mode
    parameters.selectionRatio = ratio
    return Question(id: text, text: text, parameters: parameters)
  }

  private func key(_ image: Int) -> TokenKey { TokenKey(imageSHA256: "\(image)", recipe: "test") }

  @Test func keepingEverythingAnswersAsThePlainEngine() async throws {
    let (plain, plainImages) = try await model()
    let (compressing, images) = try await model { $0.visualBudget = 1 }
    #expect(images[0].tokens == plainImages[0].tokens || plainImages[0].scales != nil)
    for mode in [SelectionMode.prune, .shared] {
      let asked = question("What is this?", mode, ratio: 1)
      let found = try await compressing.answer([asked], about: images[0], key: key(0))[0].outcome.get()
      let expected = try await compressing.answer(
        [question("What is this?", .none)], about: images[0], key: key(0))[0].outcome.get()
      #expect(found == expected)
    }
    _ = plain
  }

  /// Selecting takes one step with all the question's rows, and memory for each.
  @Test func aVeryLongQuestionKeepsAllTokens() throws {
    let settings = try SelectionSettings(EngineSettings(), nil, layers: 4)
    for (length, selects) in [(4_096, true), (4_097, false)] {
      let asked = question(String(repeating: "a", count: length), .prune)
      #expect((QuestionSelection(asked, settings, questions: 1) != nil) == selects, "\(length) bytes")
    }
  }

  /// Pruning with all but nothing dropped goes the split way and must come to the same as the plain one.
  @Test(arguments: [SelectionMode.prune, .shared]) func theSplitWayComputesTheSame(_ mode: SelectionMode)
    async throws
  {
    let (model, images) = try await model {
      $0.visualBudget = 1
      $0.selectionAmount = .cumulative(0.9999999)
    }
    let asked = question("Where is it, and what colour is it?", mode, tokens: 16)
    let reply = try await model.answer([asked], about: images[1], key: key(1))[0]
    let plain = try await model.answer(
      [question("Where is it, and what colour is it?", .none, tokens: 16)], about: images[1], key: key(1))[0]
    #expect(reply.visualTokens?.selected == images[1].tokenCount)
    #expect(try reply.outcome.get() == plain.outcome.get())
    #expect(reply.visualTokens?.selection == mode && plain.visualTokens?.selection == SelectionMode.none)
  }

  @Test func theLedgerCountsWhatWasKept() async throws {
    let (model, images) = try await model { $0.visualBudget = 0.4 }
    let image = images[0]
    #expect(image.tokenCount < image.encodedTokens)
    for (mode, ratio) in [(SelectionMode.prune, 0.5), (.shared, 0.25)] {
      let ledger = try #require(
        try await model.answer([question("Who?", mode, ratio: ratio)], about: image, key: key(0))[0]
          .visualTokens)
      #expect(ledger.encoded == image.encodedTokens && ledger.compressed == image.tokenCount)
      #expect(ledger.selected == Int((ratio * Double(image.tokenCount)).rounded(.up)))
      #expect(ledger.selection == mode && ledger.selectionLayer == 1)
      #expect(ledger.scales.values.reduce(0, +) == image.scales?.blocks.count)
    }
  }

  /// Answers alone against answers in company of other questions, modes, images and requests.
  @Test func answersDoNotDependOnCompany() async throws {
    let (model, images) = try await model(cells: 1500) { $0.visualBudget = 0.5 }
    let modes: [(SelectionMode, Double?)] = [
      (.prune, 0.5), (.shared, 0.5), (.none, nil), (.shared, 0.2), (.prune, 0.3),
    ]
    let questions = (0..<200).map { index in
      let (mode, ratio) = modes[index % modes.count]
      return (
        image: index % images.count,
        question: question("Question number \(index)?", mode, ratio: ratio, tokens: 6)
      )
    }
    var alone: [String] = []
    for (image, question) in questions {
      alone.append(
        try await model.answer([question], about: images[image], key: key(image))[0].outcome.get().text)
    }
    // Eight requests in flight, of five questions each.
    let requests = stride(from: 0, to: questions.count, by: 5).flatMap { start in
      Dictionary(grouping: start..<start + 5) { questions[$0].image }.values
    }
    var together = [String?](repeating: nil, count: questions.count)
    try await withThrowingTaskGroup(of: [(Int, String)].self) { group in
      var waiting = requests[...]
      func addNext() {
        guard let places = waiting.popFirst() else { return }
        let image = questions[places[0]].image
        group.addTask {
          let replies = try await model.answer(
            places.map { questions[$0].question }, about: images[image], key: key(image))
          return try zip(places, replies).map { ($0, try $1.outcome.get().text) }
        }
      }
      for _ in 0..<8 { addNext() }
      while let answers = try await group.next() {
        for (place, text) in answers { together[place] = text }
        addNext()
      }
    }
    let same = zip(alone, together).count { $0 == $1 }
    print("\(same) of \(alone.count) answers are the same in company")
    #expect(same >= 198)
    #expect(Set(alone).count > 100)
  }

  /// The arena is too small for all: prefixes are evicted, moved and computed again on the way.
  @Test func evictedPrefixesAreComputedAgain() async throws {
    let (large, images) = try await model(cells: 4096) { $0.visualBudget = 0.5 }
    let (small, _) = try await model(cells: 420) { $0.visualBudget = 0.5 }
    for round in 0..<3 {
      for image in images.indices {
        for mode in [SelectionMode.prune, .shared] {
          let asked = question("Round \(round)?", mode)
          let expected = try await large.answer([asked], about: images[image], key: key(image))[0].outcome
            .get()
          let found = try await small.answer([asked], about: images[image], key: key(image))[0].outcome.get()
          #expect(found == expected)
        }
      }
    }
    let (few, many) = (await large.counters.prefixRows, await small.counters.prefixRows)
    #expect(few < many)
  }

  @Test func choicesAreWeighedOnTheSelectedTokens() async throws {
    let (model, images) = try await model()
    var parameters = GenerationParameters()
    parameters.choices = ["cat", "cat and dog", "a dog"]
    parameters.selection = .prune
    let question = Question(id: "q", text: "Which?", parameters: parameters)
    let pruned = try await model.answer([question], about: images[0], key: key(0))[0]
    parameters.selection = .shared
    let shared = try await model.answer(
      [Question(id: "q", text: "Which?", parameters: parameters), question], about: images[0], key: key(0))
    let probabilities = try (shared + [pruned]).map { reply in
      try #require(try reply.outcome.get().choiceProbabilities).map(\.probability)
    }
    #expect(relativeError(probabilities[1].map(Float.init), probabilities[2].map(Float.init)) < 1e-4)
    #expect(relativeError(probabilities[0].map(Float.init), probabilities[2].map(Float.init)) > 1e-3)
  }

  @Test func aLayerTheModelDoesNotHaveIsRefused() async throws {
    await #expect(throws: ModelError.self) { try await model { $0.selectionLayer = 4 } }
    await #expect(throws: ModelError.self) { try await model { $0.selectionLayer = 0 } }
    var settings = EngineSettings.forTests
    settings.selectionLayer = 1
    #expect(throws: ModelError.self) { try SelectionSettings(settings, nil, layers: 1) }
  }
}
