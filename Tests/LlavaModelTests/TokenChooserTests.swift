import Answering
import Foundation
import Testing

@testable import LlavaModel

@Suite struct TokenChooserTests {
  private let tokenizer: Tokenizer

  init() throws {
    let folder = try Golden.load("llava-1.5-mha").folder
    tokenizer = try Tokenizer(GGUFFile(path: folder.appending(path: "language.gguf").path))
  }

  @Test(arguments: [0, 0.7] as [Float], [nil, "root ::= [a-z]+"] as [String?])
  func logitsThatAreNoNumbersEndTheAnswer(temperature: Float, grammar: String?) throws {
    var parameters = GenerationParameters()
    parameters.temperature = temperature
    parameters.topP = 0.9
    parameters.grammar = grammar
    for value in [.nan, .infinity, -.infinity] as [Float] {
      let chooser = try TokenChooser(parameters, tokenizer: tokenizer)
      let logits = [Float](repeating: value, count: tokenizer.tokenCount)
      let rejection = #expect(throws: Rejection.self) {
        try logits.withUnsafeBufferPointer { try chooser.choose($0) }
      }
      #expect(rejection?.reason == .internal)
    }
  }

  @Test func theGreatestLogitIsChosenWithoutATemperature() throws {
    let chooser = try TokenChooser(GenerationParameters(), tokenizer: tokenizer)
    var logits = [Float](repeating: -1, count: tokenizer.tokenCount + 3)
    logits[7] = 2
    logits[9] = 2
    // Rows of a padded vocabulary are no tokens.
    logits[logits.count - 1] = 5
    let chosen = try logits.withUnsafeBufferPointer { try chooser.choose($0) }
    #expect(chosen == 7)
  }

  /// libllama takes the last number for "any seed".
  @Test func everySeedRepeatsItsAnswer() throws {
    let logits = (0..<tokenizer.tokenCount).map { Float($0 % 7) / 100 }
    for seed in [0, 1, .max] as [UInt32] {
      var parameters = GenerationParameters()
      (parameters.temperature, parameters.seed) = (1, seed)
      let answers = try (0..<2).map { _ in
        let chooser = try TokenChooser(parameters, tokenizer: tokenizer)
        return try (0..<20).map { _ in try logits.withUnsafeBufferPointer { try chooser.choose($0) } }
      }
      #expect(answers[0] == answers[1], "seed \(seed)")
    }
  }

  /// Logits divided by such a one would be infinite.
  @Test(arguments: [Float.leastNonzeroMagnitude, 1e-30, 1e-7]) func aTemperatureOfAllButNothingIsGreedy(
    temperature: Float
  ) throws {
    var parameters = GenerationParameters()
    parameters.temperature = temperature
    let chooser = try TokenChooser(parameters, tokenizer: tokenizer)
    let logits = (0..<tokenizer.tokenCount).map { $0 == 7 ? Float(3) : Float($0 % 3) }
    #expect(try logits.withUnsafeBufferPointer { try chooser.choose($0) } == 7)
  }

  @Test(arguments: [TokenType.f32, .f16, .q8]) func valuesThatAreNoNumbersAreFound(_ type: TokenType) {
    for value in [.nan, .infinity, -.infinity] as [Float] {
      var features = (0..<128).map { Float($0) - 64 }
      #expect(TokenRows.areFinite(TokenRows.encode(features, as: type, channels: 64), as: type))
      features[70] = value
      // What Q8_0 makes of such a block is its own affair, but for its scale.
      var tokens = TokenRows.encode(type == .q8 ? features.map { _ in 1 } : features, as: type, channels: 64)
      if type == .q8 { tokens.replaceSubrange(68..<70, with: [0x00, 0x7C]) }
      #expect(!TokenRows.areFinite(tokens, as: type))
    }
    #expect(TokenRows.areFinite([], as: type))
  }
}
