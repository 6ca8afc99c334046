import Adversary
import Answering
import CLlama
import Foundation
import Testing

@testable import LlavaModel

@Suite struct GrammarStateTests {
  private func state(_ grammar: String) throws -> GrammarState { try GrammarState(Grammar(grammar)) }

  /// Says `text` character by character; nil where the grammar forbids it.
  private func say(_ text: String, _ grammar: String) throws -> GrammarState? {
    var state = try state(grammar)
    for character in text {
      guard try state.accept(0, bytes: Array(character.utf8)) else { return nil }
    }
    return state
  }

  @Test(arguments: GoodGrammar.all)
  func textsAreAllowedOrForbidden(grammar: GoodGrammar) throws {
    for text in grammar.allowed { #expect(try say(text, grammar.text)?.mayEnd == true, "\(text)") }
    for text in grammar.forbidden { #expect(try say(text, grammar.text)?.mayEnd != true, "\(text)") }
  }

  @Test func repetitionsCount() throws {
    for (times, count) in [("{2}", 2...2), ("{1,3}", 1...3), ("{2,}", 2...9), ("?", 0...1), ("+", 1...9)] {
      for length in 0...9 {
        let text = String(repeating: "a", count: length)
        #expect(try (say(text, "root ::= \"a\"\(times)")?.mayEnd == true) == count.contains(length))
      }
    }
    #expect(try say("aaabaa", "root ::= ((\"a\"*)* \"b\"?)*")?.mayEnd == true)
  }

  /// As Qwen2's, whose texts begin in 17,804 characters.
  @Test func manyAlternativesAreFollowedInALargeVocabulary() throws {
    let words = (0..<60).map { "\"\(Character(UnicodeScalar(97 + $0 % 26) ?? "a"))word\($0)\"" }
    let state = try state("root ::= word (\", \" word)*\nword ::= " + words.joined(separator: " | "))
    let count: Int32 = 18_000
    let texts = TokenTexts(0..<count) { token in
      let first: UInt32 = token < 26 ? 97 : 0x4E00
      return Array(String(UnicodeScalar(first + UInt32(token)).map(Character.init) ?? "?").utf8)
    }
    #expect(try state.allowed(texts, count: Int(count)).indices { $0 } == RangeSet(0..<26))
  }

  @Test func tokensMayEndWithinACharacter() throws {
    var state = try state("root ::= [à-é] \"x\"")
    #expect(try !state.accept(0, bytes: [0xC4]))
    #expect(try state.accept(0, bytes: [0xC3]))
    #expect(!state.mayEnd)
    #expect(try !state.accept(0, bytes: [0xBF]))
    #expect(try !state.accept(0, bytes: [0x78]))
    #expect(try state.accept(0, bytes: [0xA9, 0x78]))
    #expect(state.mayEnd)
  }

  @Test func tokensCanBeNamed() throws {
    var grammar = try Grammar("root ::= <think> !<[7]> \"a\"")
    #expect(throws: InvalidGrammar.self) { try grammar.findTokens { _ in nil } }
    try grammar.findTokens { $0 == "<think>" ? 5 : nil }
    var state = try GrammarState(grammar)
    let texts = TokenTexts(0..<9) { _ in [UInt8(ascii: "a")] }
    #expect(
      try state.allowed(texts, count: 9).indices.filter { try state.allowed(texts, count: 9)[$0] } == [5])
    #expect(try !state.accept(4, bytes: [UInt8(ascii: "a")]))
    #expect(try state.accept(5, bytes: []))
    #expect(try !state.accept(7, bytes: []))
    #expect(try state.accept(6, bytes: []))
    #expect(try state.accept(7, bytes: [UInt8(ascii: "a")]))
    #expect(state.mayEnd)
  }

  /// Of whole characters: libllama takes bytes that begin none, and is too strict with halves in [^…].
  @Test(arguments: GoodGrammar.all)
  func allowedTokensAreThoseOfLibllama(grammar: GoodGrammar) throws {
    let folder = try Golden.load("llava-1.5-mha").folder
    let tokenizer = try Tokenizer(GGUFFile(path: folder.appending(path: "language.gguf").path))
    let theirs = try #require(llama_sampler_init_grammar(tokenizer.vocabulary, grammar.text, "root"))
    defer { llama_sampler_free(theirs) }
    var ours = try state(grammar.text)
    var random = Fuzzing.random(11)
    for _ in 0..<40 {
      var allowed = try ours.allowed(tokenizer.texts, count: tokenizer.tokenCount)
      for end in tokenizer.ends { allowed[Int(end)] = ours.mayEnd }
      var entries = (0..<Int32(tokenizer.tokenCount)).map { llama_token_data(id: $0, logit: 1, p: 0) }
      entries.withUnsafeMutableBufferPointer { entries in
        var array = llama_token_data_array(
          data: entries.baseAddress, size: entries.count, selected: -1, sorted: false)
        llama_sampler_apply(theirs, &array)
      }
      for entry in entries where tokenizer.isEnd(entry.id) || isWhole(tokenizer.bytes(of: entry.id)) {
        #expect(allowed[Int(entry.id)] == entry.logit.isFinite, "\(tokenizer.bytes(of: entry.id))")
      }
      let choices = allowed.indices.filter { allowed[$0] && !tokenizer.isEnd(Int32($0)) }
      guard let token = choices.randomElement(using: &random) else { break }
      #expect(try ours.accept(Int32(token), bytes: tokenizer.bytes(of: Int32(token))))
      llama_sampler_accept(theirs, Int32(token))
    }
  }

  private func isWhole(_ bytes: [UInt8]) -> Bool {
    !bytes.isEmpty && String(validating: bytes, as: UTF8.self) != nil
  }

  @Test func damagedGrammarsAreRefusedOrFollowed() throws {
    var random = Fuzzing.random(12)
    let whole = GoodGrammar.all.map(\.text) + [HostileGrammar.doubling(9), HostileGrammar.growing]
    for round in 0..<400 * Fuzzing.rounds {
      let text = Data(whole[round % whole.count].utf8)
      let damaged = Fuzzing.damaged(text, places: .random(in: 1...8, using: &random), &random)
      guard let grammar = try? Grammar(String(decoding: damaged, as: UTF8.self)),
        var state = try? GrammarState(grammar)
      else { continue }
      for byte in Array("- {\"a\": 1}\n".utf8) { _ = try? state.accept(0, bytes: [byte]) }
    }
  }

  @Test func waysThatMultiplyEndTheAnswer() throws {
    var state = try state(HostileGrammar.growing)
    let rejection = #expect(throws: Rejection.self) {
      for _ in 0..<100 { _ = try state.accept(0, bytes: [UInt8(ascii: "x")]) }
    }
    #expect(rejection?.reason == .invalidParameters)
    #expect(rejection?.message.contains("too many ways") == true)
    let longToken = try self.state(HostileGrammar.growing)
    let texts = TokenTexts(0..<1) { _ in Array(repeating: UInt8(ascii: "x"), count: 60) + [0] }
    #expect(throws: Rejection.self) { try longToken.allowed(texts, count: 1) }
  }
}
