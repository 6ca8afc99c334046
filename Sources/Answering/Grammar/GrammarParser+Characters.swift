/// What stands for characters and tokens.
extension GrammarParser {
  mutating func literal() throws(InvalidGrammar) -> [Grammar.Element] {
    place += 1
    var elements: [Grammar.Element] = []
    while !take("\"") {
      let character = try character()
      elements.append(.character([character...character]))
    }
    return elements
  }

  mutating func characterClass() throws(InvalidGrammar) -> [ClosedRange<UInt32>] {
    place += 1
    let isInverse = take("^")
    var ranges: [ClosedRange<UInt32>] = []
    while !take("]") {
      let first = try character()
      var last = first
      if next == "-", place + 1 < text.count, text[place + 1] != "]" {
        place += 1
        last = try character()
      }
      guard first <= last else { throw invalid("has a range in [] that runs backwards") }
      ranges.append(first...last)
    }
    guard !ranges.isEmpty else { throw invalid("has empty brackets []") }
    return isInverse ? CharacterRanges.inverse(of: ranges) : CharacterRanges.sorted(ranges)
  }

  private mutating func character() throws(InvalidGrammar) -> UInt32 {
    guard let character = next else { throw invalid("does not end its quotes or brackets") }
    place += 1
    guard character == "\\" else { return character.value }
    guard let escape = next else { throw invalid("does not end its quotes or brackets") }
    place += 1
    switch escape {
    case "n": return 10
    case "r": return 13
    case "t": return 9
    case "\\", "\"", "[", "]", "-": return escape.value
    case "x": return try hexadecimal(digits: 2)
    case "u": return try hexadecimal(digits: 4)
    case "U": return try hexadecimal(digits: 8)
    default: throw invalid("has an unknown escape: \\ before \(JSONValue.string(String(escape)).brief)")
    }
  }

  private mutating func hexadecimal(digits: Int) throws(InvalidGrammar) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<digits {
      guard let digit = next.flatMap({ Character($0).hexDigitValue }) else {
        throw unexpected("\(digits) hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      place += 1
    }
    return value
  }

  /// `<text>`, `<[number]>`, and both after `!`.
  mutating func token() throws(InvalidGrammar) -> Grammar.Element {
    let isExcluded = take("!")
    guard take("<") else { throw unexpected("<") }
    let text = takeAll { $0 != ">" }
    guard take(">") else { throw unexpected(">") }
    if text.hasPrefix("["), text.hasSuffix("]"), let number = Int32(text.dropFirst().dropLast()), number >= 0
    {
      return .token(.number(number), isExcluded: isExcluded)
    }
    return .token(.text("<\(text)>"), isExcluded: isExcluded)
  }
}
