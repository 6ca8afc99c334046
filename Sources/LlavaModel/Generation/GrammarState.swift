import Answering

/// Where an answer stands in its grammar: all ways in which it can go on.
///
/// A way is a stack of places in the grammar. Its top is the character or token that comes next, below it is what
/// follows when the top's rule is complete. Equal stacks are one, and stacks share what is below their tops.
struct GrammarState {
  /// Of one call, before a grammar is taken for ambiguous beyond use: hundredths of a second.
  private static let stepsAtMost = 250_000
  /// The same, of ways that a character is only compared with: a vocabulary may begin in 20,000 characters.
  private static let comparisonsAtMost = 10_000_000
  /// Of one answer: they take up to 4 MB.
  private static let stacksAtMost = 100_000

  private struct Stack: Hashable {
    var place: Int32
    /// Another stack; 0 for none.
    var below: Int32
  }

  /// What may come next, whatever half a character has come already.
  struct Ways: Hashable {
    /// Numbers of stacks, sorted.
    fileprivate(set) var tops: [Int32] = []
    /// Whether the answer may be complete.
    fileprivate(set) var mayEnd = false

    var areNone: Bool { tops.isEmpty && !mayEnd }
  }

  private let grammar: Grammar
  /// All that were ever made; the first stands for none.
  private var stacks = [Stack(place: 0, below: 0)]
  private var numbers: [Stack: Int32] = [:]
  /// For each stack the last round that has seen it.
  private var rounds: [Int32] = [0]
  private var round: Int32 = 0
  private var steps = 0
  private var comparisons = 0
  private var ways = Ways()
  private var partial = PartialScalar()

  /// Throws `Rejection` (`invalid_parameters`).
  init(_ grammar: Grammar) throws {
    self.grammar = grammar
    round = 1
    var first = Ways()
    for start in grammar.alternatives[grammar.root] { try open(start, above: 0, into: &first) }
    ways = first
  }

  /// Whether the answer may end here.
  var mayEnd: Bool { ways.mayEnd && partial.isWhole }

  /// Goes on with `token`, whose text is `bytes`; false, with nothing changed, where the grammar forbids it.
  /// Throws `Rejection` where there are too many ways to follow.
  mutating func accept(_ token: Int32, bytes: [UInt8]) throws -> Bool {
    (steps, comparisons) = (0, 0)
    var next = try after(token)
    var scalar = PartialScalar()
    if next.areNone {
      guard !bytes.isEmpty else { return false }
      (next, scalar) = (ways, partial)
      for byte in bytes {
        guard scalar.take(byte) else { return false }
        if scalar.isWhole { next = try after(scalar, next) }
      }
      guard !next.areNone, mayStop(next, scalar) else { return false }
    }
    (ways, partial) = (next, scalar)
    return true
  }

  /// For each token of a vocabulary of `count`, whether it may come next. Throws `Rejection` where there are too
  /// many ways to follow.
  func allowed(_ texts: TokenTexts, count: Int) throws -> [Bool] {
    var allowed = Array(repeating: false, count: count)
    for top in ways.tops {
      guard case .token(.number(let number), let isExcluded) = element(top) else { continue }
      let named = Int(number)
      for token in isExcluded ? 0..<count : named..<named + 1 where token < count {
        if (token == named) != isExcluded { allowed[token] = true }
      }
    }
    // What is tried leaves no stacks behind.
    var trial = self
    (trial.steps, trial.comparisons) = (0, 0)
    var walk = VocabularyWalk(texts, from: trial)
    for token in try walk.tokens(ways, partial) { allowed[Int(token)] = true }
    return allowed
  }

  // MARK: Steps

  private func element(_ stack: Int32) -> Grammar.Element { grammar.elements[Int(stacks[Int(stack)].place)] }

  /// Whether a token may end here: half a character must be half of one that may come.
  func mayStop(_ ways: Ways, _ partial: PartialScalar) -> Bool {
    partial.isWhole || ways.tops.contains { allows(partial, $0) }
  }

  private func allows(_ scalar: PartialScalar, _ top: Int32) -> Bool {
    guard case .character(let ranges) = element(top) else { return false }
    return CharacterRanges.overlap(ranges, scalar.possible)
  }

  /// The ways that are left after a whole character.
  mutating func after(_ scalar: PartialScalar, _ ways: Ways) throws -> Ways {
    try step(from: ways) { state, top in state.allows(scalar, top) }
  }

  private mutating func after(_ token: Int32) throws -> Ways {
    try step(from: ways) { state, top in
      guard case .token(.number(let number), let isExcluded) = state.element(top) else { return false }
      return (number == token) != isExcluded
    }
  }

  private mutating func step(from ways: Ways, where matches: (GrammarState, Int32) -> Bool) throws -> Ways {
    var next = Ways()
    round += 1
    comparisons += ways.tops.count
    guard comparisons <= Self.comparisonsAtMost else { throw Self.tooAmbiguous }
    for top in ways.tops where matches(self, top) {
      let stack = stacks[Int(top)]
      try open(Int(stack.place) + 1, above: stack.below, into: &next)
    }
    next.tops.sort()
    return next
  }

  /// Adds the ways in which a stack with `place` on top goes on: rules are opened until a character or token is on
  /// top.
  private mutating func open(_ place: Int, above below: Int32, into ways: inout Ways) throws {
    var open = [Stack(place: Int32(place), below: below)]
    while var stack = open.popLast() {
      try spend(1)
      while grammar.elements[Int(stack.place)] == .end, stack.below != 0 { stack = stacks[Int(stack.below)] }
      if grammar.elements[Int(stack.place)] == .end {
        ways.mayEnd = true
        continue
      }
      let number = try number(of: stack)
      guard rounds[Int(number)] != round else { continue }
      rounds[Int(number)] = round
      guard case .rule(let rule) = grammar.elements[Int(stack.place)] else {
        ways.tops.append(number)
        guard ways.tops.count <= Grammar.maximumWays else { throw Self.tooAmbiguous }
        continue
      }
      let after = Stack(place: stack.place + 1, below: stack.below)
      // Without this, what repeats by putting itself last would make the stack grow with each turn.
      let isLast = grammar.elements[Int(after.place)] == .end
      let below = isLast ? after.below : try self.number(of: after)
      for start in grammar.alternatives[rule] { open.append(Stack(place: Int32(start), below: below)) }
    }
  }

  private mutating func number(of stack: Stack) throws -> Int32 {
    if let number = numbers[stack] { return number }
    guard stacks.count < Self.stacksAtMost else { throw Self.tooAmbiguous }
    let number = Int32(stacks.count)
    stacks.append(stack)
    rounds.append(0)
    numbers[stack] = number
    return number
  }

  private mutating func spend(_ count: Int) throws {
    steps += count
    guard steps <= Self.stepsAtMost else { throw Self.tooAmbiguous }
  }

  private static let tooAmbiguous = Rejection(
    .invalidParameters,
    "the grammar leaves too many ways open in which the answer so far can go on; "
      + "let alternatives that begin alike share one beginning")
}
