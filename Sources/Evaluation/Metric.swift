/// How an answer is scored against what people, or a generator, said: from 0 to 1.
public enum Metric: String, Sendable, CaseIterable, Codable {
  /// 1 where it is one of the references, without case or a period at the end. GQA's.
  case exact
  /// VQA v2's: as right as three of the other people say, averaged over the people left out.
  case vqa
  /// TextVQA's: the same with its own way to write answers alike.
  case textVQA = "textvqa"
  /// POPE's: whether it says yes or no as it should; anything but "no" and "not" is a yes.
  case yesNo = "yes-no"

  public func score(_ answer: String, _ references: [String]) -> Double {
    switch self {
    case .exact:
      let answer = AnswerNormalization.plain(answer)
      return references.contains { AnswerNormalization.plain($0) == answer } ? 1 : 0
    case .vqa: return vqa(AnswerNormalization.line(answer), references.map(AnswerNormalization.line))
    case .textVQA:
      return consensus(AnswerNormalization.textVQA(answer), references.map(AnswerNormalization.textVQA))
    case .yesNo:
      return references.contains { Self.saysYes($0) == Self.saysYes(answer) } ? 1 : 0
    }
  }

  /// Answers are written alike only where people differ: the official evaluation does so.
  private func vqa(_ answer: String, _ references: [String]) -> Double {
    guard Set(references).count > 1 else { return consensus(answer, references) }
    return consensus(AnswerNormalization.vqa(answer), references.map(AnswerNormalization.vqa))
  }

  /// The mean, over each reference left out, of how many others match: three are fully right.
  private func consensus(_ answer: String, _ references: [String]) -> Double {
    // A single reference has no others.
    if references.count == 1 { return references[0] == answer ? 1 : 0 }
    let matching = references.count { $0 == answer }
    let sum = references.reduce(0.0) { sum, reference in
      sum + min(1, Double(matching - (reference == answer ? 1 : 0)) / 3)
    }
    return sum / Double(max(1, references.count))
  }

  /// As POPE's evaluation reads an answer: its first sentence, without commas, by whole words.
  static func saysYes(_ answer: String) -> Bool {
    let sentence = answer.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
    let words = sentence.filter { $0 != "," }.split(separator: " ", omittingEmptySubsequences: false)
    return !words.contains { $0 == "No" || $0 == "no" || $0 == "not" }
  }
}
