import Answering
import Batching
import Foundation
import TokenSampling

/// One question while the engine works on it: its prompt, what is generated so far, how it ends.
///
/// Not thread-safe: used from the engine's thread only.
final class QuestionState {
  let question: Question
  /// Tokens after the image.
  let promptTokens: [Int32]
  /// Those of the user's question among them.
  let questionRows: Range<Int>
  /// How the question selects among the image's tokens; nil where it sees all.
  let selection: QuestionSelection?
  /// The rows of the prefix that it keeps, once it has selected.
  private(set) var kept: KeptRows?
  private(set) var ledger: TokenLedger
  let choices: ChoiceTree?
  private let chooser: TokenChooser
  private let tokenizer: Tokenizer
  private let ownPrefixRows: Int
  /// Answer tokens at most: what was asked for, within the model's context.
  private let limit: Int
  private var text: AnswerText
  private var generated = 0
  private var logprob = 0.0
  private var decisions: [Int: ChoiceTree.Decision] = [:]
  /// The token to feed back.
  private(set) var lastToken: Int32 = 0

  enum Next {
    case goOn
    case done(Answer)
    /// Not all that the choices differ by is decided yet.
    case waitForBranches
  }

  /// Throws `Rejection`: `question_too_long` beyond the model's context or the arena, `invalid_parameters` for a bad
  /// grammar.
  init(
    _ question: Question, selection: QuestionSelection?, prompt: Prompt, tokenizer: Tokenizer,
    prefix: PrefixState, ledger: TokenLedger, limits: PromptLimits
  ) throws {
    self.question = question
    self.tokenizer = tokenizer
    self.selection = selection
    self.ledger = ledger
    (promptTokens, questionRows) = prompt.tokensAfterImage(question: question.text)
    choices = question.parameters.choices.map { ChoiceTree($0.map(prompt.tokens(ofAnswer:))) }
    ownPrefixRows = selection?.ownRows(of: prefix) ?? 0
    let prompt = prefix.rowCount + promptTokens.count
    let room = min(limits.context - prompt, limits.cells - prompt - ownPrefixRows)
    let needed = choices.map { $0.branches.count } ?? 1
    guard room >= needed else {
      throw Rejection(
        .questionTooLong,
        "the prompt has \(prompt) tokens with the image and \(needed) more to generate, but the model's context is"
          + " \(min(limits.context, limits.cells - ownPrefixRows)): shorten the question or the system text")
    }
    limit = min(question.parameters.maxTokens, room)
    chooser = try TokenChooser(question.parameters, tokenizer: tokenizer)
    text = AnswerText(stops: question.parameters.stop)
  }

  var plan: QuestionPlan {
    QuestionPlan(
      promptRows: promptTokens.count, selects: selection != nil, ownPrefixRows: ownPrefixRows,
      branchParents: choices?.branchParents ?? [], decidingBranches: choices?.decidingBranches,
      answerRows: choices == nil ? limit - 1 : 0)
  }

  /// Selects by the importance of each visual token.
  func select(_ importance: [Float], of prefix: PrefixState, start: Int, cells: [Int]) {
    guard let selection else { return }
    let tokens = TokenSelection.kept(importance, selection.amount)
    kept = KeptRows(
      rows: prefix.kept(tokens), prefixStart: start, cells: selection.mode == .prune ? cells : nil)
    ledger.selected = tokens.count
  }

  func token(ofBranch branch: Int) -> Int32 {
    choices.map { $0.nodes[$0.branches[branch]].token } ?? 0
  }

  /// Takes the logits of the question's last row and says how it goes on. `branch` is nil for the chain's row.
  func take(_ logits: UnsafeBufferPointer<Float>, branch: Int?, promptTokens prompt: Int) throws -> Next {
    if let choices {
      let node = branch.map { choices.branches[$0] } ?? 0
      // The prompt's last row comes with logits whether something is decided there or not.
      if choices.deciding.contains(node) {
        decisions[node] = choices.decision(at: node, logits, ends: tokenizer.ends)
      }
      return decisions.count == choices.deciding.count ? .done(try choice(prompt)) : .waitForBranches
    }
    let token = try chooser.choose(logits)
    if tokenizer.isEnd(token) { return .done(answer(.stop, prompt)) }
    if question.parameters.logprobs { logprob += Double(logits[Int(token)]) - LogSoftmax.normaliser(logits) }
    generated += 1
    lastToken = token
    if text.append(tokenizer.bytes(of: token)) { return .done(answer(.stop, prompt)) }
    return generated >= limit ? .done(answer(.length, prompt)) : .goOn
  }

  private func answer(_ reason: FinishReason, _ prompt: Int) -> Answer {
    Answer(
      text: text.text, finishReason: reason, promptTokens: prompt, completionTokens: generated,
      logprob: question.parameters.logprobs ? logprob : nil)
  }

  private func choice(_ prompt: Int) throws -> Answer {
    let texts = question.parameters.choices ?? []
    let probabilities = choices?.probabilities(decisions, choices: texts.count) ?? []
    guard probabilities.allSatisfy(\.isFinite) else { throw TokenChooser.noNumber }
    let chosen: Int
    if question.parameters.temperature > 0 {
      chosen = ChoiceSampling.draw(
        probabilities, temperature: question.parameters.temperature, seed: question.parameters.seed)
    } else {
      chosen = probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
    }
    return Answer(
      text: texts[chosen], finishReason: .stop, promptTokens: prompt,
      completionTokens: choices?.depth(ofChoice: chosen) ?? 0,
      logprob: question.parameters.logprobs ? log(probabilities[chosen]) : nil,
      choiceProbabilities: zip(texts, probabilities).map(ChoiceProbability.init))
  }
}
