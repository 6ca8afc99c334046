/// How answers are written alike before they are compared: as the official evaluation of VQA v2 does, to the letter.
///
/// Reference: `processPunctuation` and `processDigitArticle` of `vqaEval.py` (VQA v2), and `EvalAIAnswerProcessor`
/// (TextVQA), which lowercases and parts words first.
enum AnswerNormalization {
  private static let punctuation = Array(#";/[]"{}()=+\_-><@`,?!"#)
  private static let articles: Set<String> = ["a", "an", "the"]
  private static let numbers = [
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9", "ten": "10",
  ]
  /// The official evaluation hands a flag in the place of a count: it removes so many periods and no more.
  private static let mostPeriods = 32

  /// One line, without space around it.
  static func line(_ text: String) -> String {
    trimmed(String(text.map { $0 == "\n" || $0 == "\t" || $0 == "\r\n" ? " " : $0 }))
  }

  static func vqa(_ text: String) -> String { digitsAndArticles(withoutPunctuation(line(text))) }

  static func textVQA(_ text: String) -> String {
    let words = text.lowercased().filter { $0 != "," && $0 != "?" }.replacing("'s", with: " 's")
    return vqa(trimmed(words))
  }

  /// Without case, and without what ends a sentence: LLaVA's form of GQA's answers.
  static func plain(_ text: String) -> String {
    var text = trimmed(text.lowercased())
    while text.hasSuffix(".") { text.removeLast() }
    return trimmed(text)
  }

  private static func withoutPunctuation(_ text: String) -> String {
    let hasNumberWithComma = text.firstMatch(of: /\d,\d/) != nil
    var result = text
    for mark in punctuation where result.contains(mark) {
      let standsApart = text.contains("\(mark) ") || text.contains(" \(mark)")
      result =
        standsApart || hasNumberWithComma
        ? result.filter { $0 != mark } : String(result.map { $0 == mark ? " " : $0 })
    }
    return withoutPeriods(result)
  }

  /// A period before a digit stays.
  private static func withoutPeriods(_ text: String) -> String {
    let characters = Array(text)
    var removed = 0
    return String(
      characters.indices.compactMap { index in
        guard characters[index] == ".", removed < mostPeriods else { return characters[index] }
        if index + 1 < characters.count, characters[index + 1].isDecimalDigit { return characters[index] }
        removed += 1
        return nil
      })
  }

  private static func digitsAndArticles(_ text: String) -> String {
    text.lowercased().split(whereSeparator: \.isWhitespace)
      .map { numbers[String($0)] ?? String($0) }
      .filter { !articles.contains($0) }
      .map(Contractions.written)
      .joined(separator: " ")
  }

  private static func trimmed(_ text: String) -> String {
    var text = text[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

extension Character {
  fileprivate var isDecimalDigit: Bool { unicodeScalars.first?.properties.numericType == .decimal }
}
