/// A template read with a model's vocabulary: makes the tokens around an image and a question.
///
/// Control tokens come from the template alone. Each stretch of text between them and the image is tokenized
/// once, user text joined to the template's, since a SentencePiece tokenizer marks the start of every fragment.
struct Prompt {
  private enum Segment {
    case text(String)
    case control(Int32)
    case image
    case question
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

  /// Tokens after the image, `question` as literal text among them.
  func tokensAfterImage(question: String) -> [Int32] {
    let after = segments.drop { if case .image = $0 { false } else { true } }.dropFirst()
    return tokens(of: after.map { if case .question = $0 { .text(question) } else { $0 } })
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
    var tokens: [Int32] = []
    var stretch = ""
    for segment in segments {
      switch segment {
      case .text(let text): stretch += text
      case .control(let token):
        tokens += tokenizer.tokens(of: stretch) + [token]
        stretch = ""
      case .image, .question, .system: break
      }
    }
    return tokens + tokenizer.tokens(of: stretch)
  }

  private static func parse(_ pattern: String, _ tokenizer: Tokenizer) -> [Segment] {
    let marks: [(String, Segment)] =
      [("{image}", .image), ("{question}", .question), ("{system}", .system), ("{text}", .system)]
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
