/// Reads GBNF into rules. Groups and repetitions become rules of their own, under the name of the rule that they
/// stand in:
///
///     x{2,4}  →  x x s, with s ::= x t | (nothing) and t ::= x | (nothing)
///     x*      →  s, with s ::= x s | (nothing)
struct GrammarParser {
  struct Rule {
    var name: String
    /// nil until it is defined.
    var alternatives: [[Grammar.Element]]?
    /// Whether it is an unbounded repetition, which alone may begin with itself: nothing is left to do after it.
    var isRepetition = false
  }

  private static let maximumRepetitions = 2000

  let text: [Unicode.Scalar]
  var place = 0
  private var found: [Rule] = []
  private var numbers: [String: Int] = [:]
  /// Name of the rule that is being read.
  private var rule = ""
  private var size = 0

  init(_ text: String) {
    self.text = Array(text.unicodeScalars)
  }

  /// Every rule, also those that are only named. Call it once.
  mutating func rules() throws(InvalidGrammar) -> [Rule] {
    skipBlanks(andLines: true)
    while next != nil {
      rule = try name()
      skipBlanks(andLines: false)
      for mark in "::=".unicodeScalars { guard take(mark) else { throw unexpected("::=") } }
      skipBlanks(andLines: true)
      let number = number(of: rule)
      found[number].alternatives = try alternatives(depth: 0)
      guard next == nil || next == "\n" || next == "\r" else { throw unexpected("the end of the line") }
      skipBlanks(andLines: true)
    }
    return found
  }

  // MARK: Rules

  private mutating func alternatives(depth: Int) throws(InvalidGrammar) -> [[Grammar.Element]] {
    var alternatives = [try sequence(depth: depth)]
    while take("|") {
      skipBlanks(andLines: true)
      alternatives.append(try sequence(depth: depth))
    }
    try grow(by: alternatives.count)
    return alternatives
  }

  private mutating func sequence(depth: Int) throws(InvalidGrammar) -> [Grammar.Element] {
    var elements: [Grammar.Element] = []
    var item = 0
    while let next {
      let start = elements.count
      switch next {
      case "\"": elements += try literal()
      case "[": elements.append(.character(try characterClass()))
      case ".":
        place += 1
        elements.append(.character(CharacterRanges.all))
      case "<", "!": elements.append(try token())
      case "(": elements.append(try group(depth: depth + 1))
      case "*", "+", "?", "{":
        let times = try times(depth: depth)
        guard item < elements.count else { throw invalid("repeats nothing: put something before \(next)") }
        try repeatItem(from: item, of: &elements, times)
        skipBlanks(andLines: depth > 0)
        continue
      case _ where Self.isNamePart(next): elements.append(.rule(number(of: try name())))
      default: return elements
      }
      item = start
      try grow(by: elements.count - start)
      skipBlanks(andLines: depth > 0)
    }
    return elements
  }

  private mutating func group(depth: Int) throws(InvalidGrammar) -> Grammar.Element {
    guard depth <= Grammar.maximumDepth else {
      throw invalid("nests brackets more than \(Grammar.maximumDepth) deep")
    }
    place += 1
    skipBlanks(andLines: true)
    let alternatives = try alternatives(depth: depth)
    guard take(")") else { throw unexpected(")") }
    return .rule(add(Rule(name: rule, alternatives: alternatives)))
  }

  private mutating func number(of name: String) -> Int {
    if let number = numbers[name] { return number }
    let number = add(Rule(name: name))
    numbers[name] = number
    return number
  }

  private mutating func add(_ rule: Rule) -> Int {
    found.append(rule)
    return found.count - 1
  }

  private mutating func grow(by count: Int) throws(InvalidGrammar) {
    size += count
    guard size <= Grammar.maximumElements else {
      throw invalid(
        "makes the grammar grow beyond \(Grammar.maximumElements) elements; use smaller numbers in {}")
    }
  }

  // MARK: Repetitions

  private mutating func times(depth: Int) throws(InvalidGrammar) -> (least: Int, most: Int?) {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    place += 1
    skipBlanks(andLines: depth > 0)
    let least = try count()
    skipBlanks(andLines: depth > 0)
    var most: Int? = least
    if take(",") {
      skipBlanks(andLines: depth > 0)
      most = next == "}" ? nil : try count()
      skipBlanks(andLines: depth > 0)
    }
    guard take("}") else { throw unexpected("}") }
    if let most, most < least { throw invalid("repeats at least \(least) and at most \(most) times") }
    return (least, most)
  }

  private mutating func count() throws(InvalidGrammar) -> Int {
    let digits = takeAll { ("0"..."9").contains($0) }
    guard !digits.isEmpty else { throw unexpected("a number") }
    guard let count = Int(digits), count <= Self.maximumRepetitions else {
      throw invalid(
        "repeats more than \(Self.maximumRepetitions) times; leave the second number out for no limit")
    }
    return count
  }

  private mutating func repeatItem(
    from start: Int, of elements: inout [Grammar.Element], _ times: (least: Int, most: Int?)
  ) throws(InvalidGrammar) {
    if times == (1, 1) { return }
    let item = Array(elements[start...])
    let optional = times.most.map { $0 - times.least } ?? 1
    try grow(by: times.least * item.count + optional * (item.count + 3))
    elements.removeSubrange(start...)
    for _ in 0..<times.least { elements += item }
    var rest: Int?
    if times.most == nil {
      let number = found.count
      rest = add(Rule(name: rule, alternatives: [item + [.rule(number)], []], isRepetition: true))
    } else {
      for _ in 0..<optional {
        let tail = rest.map { [Grammar.Element.rule($0)] } ?? []
        rest = add(Rule(name: rule, alternatives: [item + tail, []]))
      }
    }
    if let rest { elements.append(.rule(rest)) }
  }

  // MARK: Text

  var next: Unicode.Scalar? { place < text.count ? text[place] : nil }

  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    place += 1
    return true
  }

  mutating func takeAll(while belongs: (Unicode.Scalar) -> Bool) -> String {
    var taken = String.UnicodeScalarView()
    while let next, belongs(next) {
      taken.append(next)
      place += 1
    }
    return String(taken)
  }

  private mutating func name() throws(InvalidGrammar) -> String {
    let name = takeAll(while: Self.isNamePart)
    guard !name.isEmpty else { throw unexpected("a rule's name") }
    return name
  }

  private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "-": true
    default: false
    }
  }

  private mutating func skipBlanks(andLines: Bool) {
    while let next {
      if next == "#" {
        _ = takeAll { $0 != "\n" && $0 != "\r" }
      } else if next == " " || next == "\t" || (andLines && (next == "\n" || next == "\r")) {
        place += 1
      } else {
        return
      }
    }
  }

  func unexpected(_ expected: String) -> InvalidGrammar {
    let found = next.map { JSONValue.string(String($0)).brief } ?? "the end"
    return invalid("does not parse: \(expected) is expected, not \(found)")
  }

  func invalid(_ problem: String) -> InvalidGrammar {
    let line = text[..<place].count { $0 == "\n" } + 1
    return InvalidGrammar(rule.isEmpty ? problem : "in rule \(shown(rule)), line \(line), \(problem)")
  }
}

/// A rule's name in a message.
func shown(_ name: String) -> String { name.count <= 40 ? name : name.prefix(40) + "…" }
