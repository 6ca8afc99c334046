import Adversary
import Testing

@testable import Answering

@Suite struct GrammarTests {
  private func refusal(_ grammar: String) -> String? {
    do throws(InvalidGrammar) {
      _ = try Grammar(grammar)
      return nil
    } catch {
      return error.description
    }
  }

  @Test(arguments: GoodGrammar.all)
  func ordinaryGrammarsAreTaken(grammar: GoodGrammar) {
    #expect(refusal(grammar.text) == nil)
  }

  @Test(arguments: [
    ("", "root"), ("root", "::= is expected, not the end"), ("root ::= (", ") is expected, not the end"),
    ("root ::= \"a", "quotes"), ("root ::= [a", "quotes or brackets"), ("root ::= []", "empty brackets"),
    ("root ::= [z-a]", "backwards"), ("root ::= \"\\q\"", "unknown escape"),
    ("root ::= \"\\x4\"", "2 hexadecimal"), ("root ::= <a", "> is expected"),
    ("root ::= \"a\" )", "not \")\""),
    ("root ::= *", "repeats nothing"), ("root ::= \"\"+", "repeats nothing"),
    ("root ::= \"a\"{0}*", "repeats nothing"),
    ("root ::= \"a\"\nb = \"c\"", "rule b, line 2"), ("other ::= \"a\"", "no rule named root"),
    ("root ::= \"a\" | b", "rule b that it does not define"),
    ("root ::= \"a\"{2,1}", "at least 2 and at most 1"), ("root ::= \"a\"{,3}", "a number is expected"),
    ("root ::= \"a\"{99999999999999999999}", "2000"), ("root ::= \"a\"{1,100000}", "2000"),
  ])
  func whatDoesNotParseIsSaid(grammar: String, words: String) {
    #expect(refusal(grammar)?.contains(words) == true, "\(refusal(grammar) ?? "taken")")
  }

  @Test(arguments: [
    "root ::= root", "root ::= root \"a\" | \"a\"", "root ::= a\na ::= \"\" b\nb ::= root \"x\" | \"y\"",
    // The rule before it may be empty, but does not say so itself.
    "root ::= e root \"x\" | \"y\"\ne ::= f\nf ::= ", "root ::= \"a\"* root", "root ::= (\"b\"? root)*",
  ])
  func rulesThatBeginWithThemselvesAreRefused(grammar: String) {
    #expect(refusal(grammar)?.contains("rule root that begins with itself") == true)
  }

  @Test func repetitionsOfWhatMayBeEmptyAreTaken() {
    #expect(refusal("root ::= ((\"a\"?)*)* \"b\"") == nil)
    #expect(refusal("root ::= e*\ne ::= \"\" | \"x\"") == nil)
  }

  @Test func alternativesThatMultiplyAreRefused() {
    #expect(refusal(HostileGrammar.doubling(12)) == nil)
    #expect(
      refusal(HostileGrammar.doubling(16))
        == "has a rule s13 that can begin in more than 4096 ways; "
        + "let fewer alternatives begin with one another")
    let alike = (1...60).map { "s\($0) ::= s\($0 - 1) | s\($0 - 1)" }.joined(separator: "\n")
    #expect(refusal("root ::= s60\ns0 ::= \"x\"\n" + alike)?.contains("4096 ways") == true)
    #expect(refusal("root ::= ((\"a\"?){0,100}){0,100}")?.contains("4096 ways") == true)
  }

  @Test func repetitionsThatGrowAreRefused() {
    let word = String(repeating: "a", count: 100)
    #expect(refusal("root ::= \"\(word)\"{2000}")?.contains("beyond 32768 elements") == true)
    #expect(refusal("root ::= \"\(word)\"{0,2000}")?.contains("beyond 32768 elements") == true)
    #expect(refusal("root ::= \"a\"" + String(repeating: "{9}", count: 900))?.contains("beyond") == true)
    #expect(refusal("root ::= " + String(repeating: "\"a\"{0,2000}", count: 20))?.contains("beyond") == true)
    #expect(refusal("root ::= ((\"a\"{1,100}){1,100}){1,100}") == nil)
  }

  @Test func bracketsNestInBounds() {
    func nested(_ depth: Int) -> String {
      "root ::= " + String(repeating: "(", count: depth) + "\"((\"" + String(repeating: ")", count: depth)
    }
    #expect(refusal(nested(64)) == nil)
    #expect(refusal(nested(65)) == "in rule root, line 1, nests brackets more than 64 deep")
    #expect(refusal("root ::= " + String(repeating: "(", count: 10_000)) != nil)
  }

  @Test func longChainsOfRulesAreRead() {
    let chain = (1...1500).map { "\($0) ::= \($0 - 1)" }.joined(separator: "\n")
    #expect(refusal("root ::= 1500\n0 ::= \"x\"?\n" + chain) == nil)
  }

  @Test func characterClassesAreSortedAndInverted() {
    #expect(CharacterRanges.sorted([5...9, 1...2, 7...12]) == [1...2, 5...12])
    #expect(CharacterRanges.inverse(of: [0...9, 20...20]) == [10...19, 21...0x10FFFF])
    #expect(CharacterRanges.inverse(of: [5...0x10FFFF]) == [0...4])
    #expect(CharacterRanges.overlap([1...2, 5...12], 3...5))
    #expect(!CharacterRanges.overlap([1...2, 5...12], 3...4))
  }
}
