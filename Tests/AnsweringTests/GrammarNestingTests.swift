import Testing

@testable import Answering

@Suite struct GrammarNestingTests {
  @Test(arguments: [
    ("", 0), ("root ::= (a | (b c))", 2), (#"root ::= "((((" ")""#, 0), (#"root ::= "\"((" (a)"#, 1),
    ("root ::= [(\\](] (a)", 1), ("root ::= a # ((((\nb ::= (c)", 1), ("root ::= a # \r((a))", 2),
    ("root ::= <(\"> (a)", 1), ("root ::= ))) ((a", 2),
  ])
  func onlyGroupsCount(grammar: String, depth: Int) {
    #expect(GrammarNesting.depth(of: grammar) == depth)
  }
}
