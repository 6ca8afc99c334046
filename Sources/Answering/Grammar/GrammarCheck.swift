/// Finds grammars that nothing could follow: rules that are missing, that begin with themselves, or that begin in
/// too many ways at once.
///
/// Everything here is linear in the grammar's size, and no function calls itself: rules may nest thousands deep.
struct GrammarCheck {
  private let rules: [GrammarParser.Rule]

  init(_ rules: [GrammarParser.Rule]) {
    self.rules = rules
  }

  func check() throws(InvalidGrammar) {
    for rule in rules where rule.alternatives == nil {
      throw InvalidGrammar("uses a rule \(shown(rule.name)) that it does not define")
    }
    let beginnings = beginnings(mayBeEmpty: rulesThatMayBeEmpty())
    try checkWays(in: try order(beginnings), beginnings)
  }

  private func alternatives(_ rule: Int) -> [[Grammar.Element]] { rules[rule].alternatives ?? [] }

  private func rulesThatMayBeEmpty() -> [Bool] {
    var mayBeEmpty = Array(repeating: false, count: rules.count)
    /// Alternatives made of rules alone: whose they are, and how many of their rules may not be empty so far.
    var open: [(rule: Int, left: Int)] = []
    var uses: [[Int]] = Array(repeating: [], count: rules.count)
    var found: [Int] = []
    for rule in rules.indices {
      for alternative in alternatives(rule) {
        let parts = alternative.compactMap(\.rule)
        guard parts.count == alternative.count else { continue }
        for part in parts { uses[part].append(open.count) }
        open.append((rule, parts.count))
        if parts.isEmpty { found.append(rule) }
      }
    }
    while let rule = found.popLast() {
      guard !mayBeEmpty[rule] else { continue }
      mayBeEmpty[rule] = true
      for use in uses[rule] {
        open[use].left -= 1
        if open[use].left == 0 { found.append(open[use].rule) }
      }
    }
    return mayBeEmpty
  }

  /// What a rule can begin with.
  private struct Beginning {
    var rules: [Int] = []
    /// Characters and tokens.
    var others = 0
  }

  private func beginnings(mayBeEmpty: [Bool]) -> [Beginning] {
    rules.indices.map { rule in
      var beginning = Beginning()
      for alternative in alternatives(rule) {
        for element in alternative {
          guard let part = element.rule else {
            beginning.others += 1
            break
          }
          // A repetition that goes on after an empty turn stands where it stood.
          if !(part == rule && rules[rule].isRepetition) { beginning.rules.append(part) }
          if !mayBeEmpty[part] { break }
        }
      }
      return beginning
    }
  }

  /// The rules, each after all that it can begin with. Throws for one that can begin with itself.
  private func order(_ beginnings: [Beginning]) throws(InvalidGrammar) -> [Int] {
    var left = beginnings.map(\.rules.count)
    var users: [[Int]] = Array(repeating: [], count: rules.count)
    for (rule, beginning) in beginnings.enumerated() {
      for part in beginning.rules { users[part].append(rule) }
    }
    var order = rules.indices.filter { left[$0] == 0 }
    var done = 0
    while done < order.count {
      for user in users[order[done]] {
        left[user] -= 1
        if left[user] == 0 { order.append(user) }
      }
      done += 1
    }
    guard var rule = left.firstIndex(where: { $0 > 0 }) else { return order }
    // Each rule that is left begins with another one that is left: the way from one to the next ends in a circle.
    for _ in rules { rule = beginnings[rule].rules.first { left[$0] > 0 } ?? rule }
    throw InvalidGrammar(
      "has a rule \(shown(rules[rule].name)) that begins with itself (left recursion); "
        + "write what repeats with * or +, or put it last")
  }

  /// Alternatives that begin with alternatives multiply: 16 rules of two each can begin in 65,536 ways.
  private func checkWays(in order: [Int], _ beginnings: [Beginning]) throws(InvalidGrammar) {
    var ways = Array(repeating: 0, count: rules.count)
    for rule in order {
      ways[rule] = beginnings[rule].others
      for part in beginnings[rule].rules where ways[rule] <= Grammar.maximumWays { ways[rule] += ways[part] }
      guard ways[rule] <= Grammar.maximumWays else {
        throw InvalidGrammar(
          "has a rule \(shown(rules[rule].name)) that can begin in more than \(Grammar.maximumWays) ways; "
            + "let fewer alternatives begin with one another")
      }
    }
  }
}

extension Grammar.Element {
  fileprivate var rule: Int? {
    if case .rule(let rule) = self { rule } else { nil }
  }
}
