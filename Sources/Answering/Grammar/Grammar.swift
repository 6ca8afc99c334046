/// What an answer may be, character by character: a grammar in GBNF, llama.cpp's notation.
///
/// Followed here and not by libllama, whose engine multiplies the ways of an ambiguous grammar without bound,
/// never ends on others (`x{2,1}`), and prints what it refuses.
package struct Grammar: Sendable {
  package enum Element: Sendable, Equatable {
    /// What the rule of this number says.
    case rule(Int)
    /// One character with its Unicode scalar in one of the ranges, which are sorted and apart.
    case character([ClosedRange<UInt32>])
    /// One token of the model, or any other than it.
    case token(Token, isExcluded: Bool)
    /// The alternative is complete.
    case end
  }

  package enum Token: Sendable, Equatable {
    case number(Int32)
    /// As the vocabulary spells it, angle brackets included.
    case text(String)
  }

  /// Elements after all repetitions are written out.
  package static let maximumElements = 32_768
  /// Ways to go on after any text.
  package static let maximumWays = 4096
  package static let maximumDepth = 64

  /// All alternatives one after another, each with its `end`.
  package private(set) var elements: [Element] = []
  /// Of each rule: where its alternatives begin.
  package private(set) var alternatives: [[Int]] = []
  package let root: Int

  /// Throws `InvalidGrammar` for text that is no grammar, and for grammars that cannot be followed in bounded
  /// time and memory.
  package init(_ text: String) throws(InvalidGrammar) {
    var parser = GrammarParser(text)
    let rules = try parser.rules()
    try GrammarCheck(rules).check()
    guard let root = rules.firstIndex(where: { $0.name == "root" }) else {
      throw InvalidGrammar("has no rule named root: it says what the answer is")
    }
    self.root = root
    for rule in rules {
      var starts: [Int] = []
      for alternative in rule.alternatives ?? [] {
        starts.append(elements.count)
        elements += alternative
        elements.append(.end)
      }
      alternatives.append(starts)
    }
  }

  /// Puts numbers for the texts of tokens. Throws `InvalidGrammar` where `number` knows none.
  package mutating func findTokens(_ number: (String) -> Int32?) throws(InvalidGrammar) {
    for index in elements.indices {
      guard case .token(.text(let text), let isExcluded) = elements[index] else { continue }
      guard let number = number(text) else {
        throw InvalidGrammar("names \(JSONValue.string(text).brief), which is not one token of this model")
      }
      elements[index] = .token(.number(number), isExcluded: isExcluded)
    }
  }
}

/// Why a grammar cannot be used, in words that go on after "the grammar".
package struct InvalidGrammar: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}
