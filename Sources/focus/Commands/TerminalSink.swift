import Answering

/// Prints answers on standard output, with the token ledger unless only answers are wanted, and refusals on
/// standard error.
struct TerminalSink: ResultSink {
  var answerOnly: Bool

  func publish(_ outcome: JobOutcome) async throws {
    switch outcome {
    case .rejected(let letter, _):
      StandardError.shared.write("error: \(letter.jobID ?? "image"): \(letter.rejection)")
    case .answered(let results, let job, _):
      for (question, result) in zip(job.questions, results) { show(result, to: question) }
    }
  }

  private func show(_ result: JobResult, to question: Question) {
    switch result.outcome {
    case .failure(let rejection):
      // An empty line keeps answers on the lines of their questions.
      if answerOnly { print() }
      StandardError.shared.write("error: question \(question.id): \(rejection)")
    case .success(let answer) where answerOnly:
      print(answer.text.split(whereSeparator: \.isNewline).joined(separator: " ").printable)
    case .success(let answer):
      print(question.text)
      print("  " + answer.text.printable.replacing("\n", with: "\n  "))
      print("  " + AnswerNote(result: result, answer: answer).line + "\n")
    }
  }
}

/// The token ledger, usage and times of one answer, in one line.
struct AnswerNote {
  var result: JobResult
  var answer: Answer

  var line: String {
    let time = result.timings
    return
      ([ledger].compactMap { $0 } + [
        "\(answer.promptTokens) prompt + \(answer.completionTokens) answer tokens",
        "fetch \(ms(time.fetch)), \(vision), prefill \(ms(time.prefill)), decode \(ms(time.decode))",
      ]).joined(separator: " · ") + (answer.finishReason == .length ? " · cut at --max-tokens" : "")
  }

  /// Tokens that were cached took no time.
  private var vision: String {
    result.tokenCache == .hit ? "vision cached" : "vision \(ms(result.timings.vision))"
  }

  private var ledger: String? {
    result.visualTokens.map { ledger in
      "visual tokens: \(ledger.encoded) encoded → \(ledger.compressed) compressed → \(ledger.selected) selected"
        + (ledger.selectionLayer.map { " (\(ledger.selection.rawValue), layer \($0))" } ?? "")
    }
  }

  private func ms(_ milliseconds: Double) -> String { ProgressText.milliseconds(milliseconds) }
}

extension String {
  /// Without control characters, which a terminal would obey; line ends and tabs stay.
  fileprivate var printable: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.filter { scalar in
          scalar == "\n" || scalar == "\t" || scalar.properties.generalCategory != .control
        }))
  }
}
