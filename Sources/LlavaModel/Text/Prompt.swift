import Answering

/// A template read with a model's vocabulary: makes the tokens around an image and a question.
///
/// Control tokens come from the template alone. Each stretch of text between them and the image is tokenized
/// once, user text joined to the template's, since a SentencePiece tokenizer marks the start of every fragment.
struct Prompt {
  private enum Segment {
    case text(String)
    case control(Int32)
    case image
    /// The user's text; empty in the template.
    case question(String)
    case system
  }

  let template: PromptTemplate
  private let segments: [Segment]
  private let systemSegments: [Segment]
  private let tokenizer: Tokenizer

  init(template: PromptTemplate, tokenizer: Tokenizer) {
    self.template = template
    self.tokenizer = tokenizer
    segments = Self.parse(template.pattern, tokenizer)
    systemSegments = Self.parse(template.systemPattern, tokenizer)
  }

  /// System text that `question` is asked under: its own, or the template's default.
  func system(_ own: String?) -> String? { (own ?? template.defaultSystem).flatMap { $0.isEmpty ? nil : $0 } }

  /// Throws `Rejection` where a question has system text, and the template no place for it.
  func check(system own: String?) throws {
    guard let own, !own.isEmpty, !template.pattern.contains("{system}") else { return }
    throw Rejection(
      .invalidParameters,
      "the model's prompt (\(template.name)) has no place for system text; leave it out, or give a --prompt-template "
        + "with {system}")
  }

  /// Tokens before the image, the beginning token included.
  func tokensBeforeImage(system: String?) -> [Int32] {
    let systemPart = system.map { text in
      systemSegments.map { if case .system = $0 { Segment.text(text) } else { $0 } }
    }
    let before = segments.prefix { if case .image = $0 { false } else { true } }
    let expanded = before.flatMap { segment -> [Segment] in
      if case .system = segment { systemPart ?? [] } else { [segment] }
    }
    let tokens = tokens(of: expanded)
    guard let beginning = tokenizer.beginning, tokens.first != beginning else { return tokens }
    return [beginning] + tokens
  }

  /// Tokens after the image, `question` as literal text among them, and which of them hold its text.
  func tokensAfterImage(question: String) -> (tokens: [Int32], question: Range<Int>) {
    let after = segments.drop { if case .image = $0 { false } else { true } }.dropFirst()
    var tokens: [Int32] = []
    var found: Range<Int>?
    for stretch in stretches(of: after.map { if case .question = $0 { .question(question) } else { $0 } }) {
      let part = tokenizer.tokens(of: stretch.text)
      if let marked = stretch.marked {
        let places = rows(holding: marked, of: stretch.text.utf8.count, in: part)
        found = tokens.count + places.lowerBound..<tokens.count + places.upperBound
      }
      tokens += part
      if let control = stretch.control { tokens.append(control) }
    }
    return (tokens, found ?? 0..<tokens.count)
  }

  /// The tokens that share bytes with the `marked` ones of a text of `length` bytes.
  private func rows(holding marked: Range<Int>, of length: Int, in tokens: [Int32]) -> Range<Int> {
    var ends: [Int] = []
    for token in tokens { ends.append((ends.last ?? 0) + tokenizer.bytes(of: token).count) }
    // SentencePiece begins with a space that the text does not have.
    let shift = (ends.last ?? 0) - length
    let first = ends.firstIndex { $0 > marked.lowerBound + shift } ?? 0
    let last = ends.firstIndex { $0 >= marked.upperBound + shift } ?? tokens.count - 1
    return first <= last ? first..<last + 1 : 0..<tokens.count
  }

  /// Tokens of an answer as the model would say it after this prompt.
  func tokens(ofAnswer answer: String) -> [Int32] {
    let endsInWord: Bool
    if case .text(let last)? = segments.last {
      endsInWord = last.last.map { !$0.isWhitespace } ?? false
    } else {
      endsInWord = false
    }
    return tokenizer.tokens(of: endsInWord && !tokenizer.marksFragments ? " " + answer : answer)
  }

  private func tokens(of segments: [Segment]) -> [Int32] {
    stretches(of: segments).flatMap { tokenizer.tokens(of: $0.text) + ($0.control.map { [$0] } ?? []) }
  }

  /// Text that is tokenized in one piece, and the control token that ends it.
  private struct Stretch {
    var text = ""
    /// Bytes of the user's question.
    var marked: Range<Int>?
    var control: Int32?
  }

  private func stretches(of segments: [Segment]) -> [Stretch] {
    var done: [Stretch] = []
    var stretch = Stretch()
    for segment in segments {
      switch segment {
      case .text(let text): stretch.text += text
      case .question(let text):
        let start = stretch.text.utf8.count
        stretch.text += text
        if !text.isEmpty { stretch.marked = start..<start + text.utf8.count }
      case .control(let token):
        stretch.control = token
        done.append(stretch)
        stretch = Stretch()
      case .image, .system: break
      }
    }
    return done + [stretch]
  }

  private static func parse(_ pattern: String, _ tokenizer: Tokenizer) -> [Segment] {
    let marks: [(String, Segment)] =
      [("{image}", .image), ("{question}", .question("")), ("{system}", .system), ("{text}", .system)]
      + tokenizer.controlTokens.map { ($0.text, .control($0.token)) }
    var segments: [Segment] = []
    var text = ""
    var rest = Substring(pattern)
    while let first = rest.first {
      if let (mark, segment) = marks.first(where: { rest.hasPrefix($0.0) }) {
        if !text.isEmpty { segments.append(.text(text)) }
        segments.append(segment)
        text = ""
        rest = rest.dropFirst(mark.count)
      } else {
        text.append(first)
        rest = rest.dropFirst()
      }
    }
    return text.isEmpty ? segments : segments + [.text(text)]
  }
}
