import Answering
import Foundation
import Testing

@testable import LlavaModel

/// Questions through the whole engine, on a tiny model with random weights: what it says means nothing, but must
/// not depend on how it was asked.
@Suite struct AnsweringTests {
  private func model(_ name: String = "llava-next-gqa", cells: Int = 2048) async throws -> (
    LlavaModel, CompressedImage
  ) {
    let (golden, folder) = try Golden.load(name)
    var settings = EngineSettings.forTests
    settings.contextCells = cells
    let model = try await LlavaModel.load(ModelFiles(directory: folder.path), settings: settings)
    let bytes = try Data(contentsOf: folder.appendingPathComponent(golden.arrays))
    let run = try #require(golden.runs.first)
    return (model, try await model.compress(run.tiles(bytes), .none).image)
  }

  private func question(
    _ text: String, tokens: Int = 12, _ change: (inout GenerationParameters) -> Void = { _ in }
  ) -> Question {
    var parameters = GenerationParameters()
    parameters.maxTokens = tokens
    parameters.selection = SelectionMode.none
    change(&parameters)
    return Question(id: text, text: text, parameters: parameters)
  }

  private let texts = [
    "What is this?", "What colour is it?", "How many are there?", "Is it a dog?", "Where is it?", "Who?",
    "Why so?",
    "Describe the picture in detail, please.",
  ]

  @Test func eightQuestionsShareOnePrefixAndAnswerAsIfAlone() async throws {
    let (model, image) = try await model()
    let together = try await model.answer(texts.map { question($0) }, about: image, key: .test)
    let counters = await model.counters
    let prompt = try together[0].outcome.get().promptTokens
    #expect(counters.groups == 1)
    #expect(counters.prefixRows < prompt)

    var alone: [Answer] = []
    for text in texts {
      alone.append(try await model.answer([question(text)], about: image, key: .test)[0].outcome.get())
    }
    #expect(try together.map { try $0.outcome.get() } == alone)
    #expect(Set(alone.map(\.text)).count > 4)
    // Later groups find the prefix where the first left it.
    #expect(await model.counters.prefixRows == counters.prefixRows)
  }

  @Test func groupsInFlightTogetherAnswerAsIfAlone() async throws {
    let (model, image) = try await model(cells: 700)
    let alone = try await model.answer([question(texts[0])], about: image, key: .test)[0].outcome.get().text
    let answers = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<6 {
        group.addTask {
          try await model.answer([question(texts[0])], about: image, key: .test)[0].outcome.get().text
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(answers == Array(repeating: alone, count: 6))
  }

  @Test func questionsThatFailLeaveTheirNeighboursAlone() async throws {
    let (model, image) = try await model()
    let good = try await model.answer([question(texts[0])], about: image, key: .test)[0].outcome.get()
    let replies = try await model.answer(
      [
        question(texts[0]),
        question(String(repeating: "long ", count: 3000)),
        question(texts[1]) { $0.grammar = "root ::= (" },
        question(texts[2]) { $0.grammar = "other ::= \"a\"" },
        question(texts[0]),
      ], about: image, key: .test)
    #expect(try replies[0].outcome.get() == good)
    #expect(throws: Rejection.self) { try replies[1].outcome.get() }
    let reasons = replies.map { reply -> RejectionReason? in
      if case .failure(let rejection) = reply.outcome { return rejection.reason }
      return nil
    }
    #expect(reasons == [nil, .questionTooLong, .invalidParameters, .invalidParameters, nil])
    #expect(try replies[4].outcome.get() == good)
  }

  @Test func grammarsAreFollowedAndHostileOnesRefused() async throws {
    let (model, image) = try await model()
    let deep = "root ::= " + String(repeating: "(", count: 60) + "\"a\"" + String(repeating: ")", count: 60)
    let replies = try await model.answer(
      [
        question(texts[0], tokens: 30) { $0.grammar = "root ::= [0-9] [0-9] [0-9]" },
        question(texts[0], tokens: 30) { $0.grammar = "root ::= (\"yes\" | \"no\") \"!\"" },
        question(texts[0], tokens: 4) { $0.grammar = deep },
        question(texts[0], tokens: 30) { $0.grammar = "root ::= root" },
      ], about: image, key: .test)
    let number = try replies[0].outcome.get()
    #expect(number.text.count == 3 && number.text.allSatisfy(\.isNumber) && number.finishReason == .stop)
    #expect(["yes!", "no!"].contains(try replies[1].outcome.get().text))
    #expect(try replies[2].outcome.get().text == "a")
    #expect(throws: Rejection.self) { try replies[3].outcome.get() }
  }

  @Test func stopStringsEndTheAnswerBeforeThem() async throws {
    let (model, image) = try await model()
    let plain = try await model.answer([question(texts[0], tokens: 24)], about: image, key: .test)[0].outcome
      .get()
    let characters = Array(plain.text)
    let stop = String(characters[characters.count / 2..<characters.count / 2 + 2])
    let stopped = try await model.answer(
      [question(texts[0], tokens: 24) { $0.stop = ["never said", stop] }], about: image, key: .test)[0]
      .outcome.get()
    #expect(stopped.finishReason == .stop)
    #expect(!stopped.text.contains(stop))
    #expect(plain.text.hasPrefix(stopped.text))
    #expect(plain.finishReason == .length && plain.completionTokens == 24)
  }

  @Test func samplingIsRepeatableByItsSeed() async throws {
    let (model, image) = try await model()
    func sampled(_ seed: UInt32) -> Question {
      question(texts[0], tokens: 16) {
        $0.temperature = 1.5
        $0.topP = 0.95
        $0.minP = 0.01
        $0.seed = seed
        $0.logprobs = true
      }
    }
    let answers = try await model.answer([sampled(1), sampled(1), sampled(2)], about: image, key: .test).map {
      try $0.outcome.get()
    }
    #expect(answers[0].text == answers[1].text)
    #expect(answers[0].text != answers[2].text)
    #expect((answers[0].logprob ?? 0) < 0)
  }

  @Test func systemTextIsPartOfThePrefix() async throws {
    let (model, image) = try await model()
    let replies = try await model.answer(
      [question(texts[0]), question(texts[0]) { $0.system = "Answer in one word." }, question(texts[0])],
      about: image, key: .test)
    let answers = try replies.map { try $0.outcome.get().text }
    #expect(answers[0] == answers[2] && answers[0] != answers[1])
    #expect(await model.counters.groups == 2)
  }

  /// What Unicode calls equal is not the same text.
  @Test func systemTextsShareAPrefixOnlyWhereTheyAreTheSameBytes() async throws {
    let (model, image) = try await model()
    let questions = ["caf\u{E9}", "cafe\u{301}"].map { system in question(texts[0]) { $0.system = system } }
    _ = try await model.answer(questions, about: image, key: .test)
    #expect(await model.counters.groups == 2)
  }

  @Test func cancelledQuestionsFreeTheirCells() async throws {
    let (model, image) = try await model(cells: 300)
    let expected = try await model.answer([question(texts[0])], about: image, key: .test)[0].outcome.get()
      .text
    for _ in 0..<5 {
      let task = Task { try await model.answer([question(texts[1], tokens: 100)], about: image, key: .test) }
      while await model.counters.answerRows < 3 { await Task.yield() }
      task.cancel()
      _ = await task.result
    }
    #expect(
      try await model.answer([question(texts[0])], about: image, key: .test)[0].outcome.get().text == expected
    )
  }

  /// Many may queue for the tower, which takes seconds for each.
  @Test func imagesThatNobodyWaitsForAreNotEncoded() async throws {
    let (golden, folder) = try Golden.load("llava-next-gqa")
    let model = try await LlavaModel.load(ModelFiles(directory: folder.path), settings: .forTests)
    let tiles = try #require(golden.runs.first).tiles(
      try Data(contentsOf: folder.appendingPathComponent(golden.arrays)))
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      _ = try await model.compress(tiles, .none)
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(await model.counters.imagesEncoded == 0)
    _ = try await model.compress(tiles, .none)
    #expect(await model.counters.imagesEncoded == 1)
  }

  /// Values that are no numbers end their own image's questions, and reach no cell.
  @Test func imagesOfNoNumbersAreRefused() async throws {
    let (model, image) = try await model(cells: 300)
    let good = question(texts[0])
    let expected = try await model.answer([good], about: image, key: .test)[0].outcome.get()
    var damaged = image
    withUnsafeBytes(of: Float.nan) { damaged.tokens.replaceSubrange(400..<404, with: $0) }
    #expect(model.accepts(image) && !model.accepts(damaged))
    let key = TokenKey(imageSHA256: "damaged", recipe: "test")
    for reply in try await model.answer(texts.map { question($0) }, about: damaged, key: key) {
      let rejection = #expect(throws: Rejection.self) { try reply.outcome.get() }
      #expect(rejection?.reason == .internal)
    }
    #expect(try await model.answer([good], about: image, key: .test)[0].outcome.get() == expected)
  }

  @Test func answersAreCutAtTheContext() async throws {
    let (model, image) = try await model("llava-1.5-mha", cells: 64)
    let reply = try await model.answer([question("x", tokens: 4096)], about: image, key: .test)[0].outcome
      .get()
    #expect(reply.finishReason == .length || reply.completionTokens < 64)
    #expect(reply.promptTokens + reply.completionTokens <= 64)
  }
}
