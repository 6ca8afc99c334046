import Answering
import Batching

/// One image's shared prefix and the questions asked of it, while the engine works on them.
///
/// Not thread-safe: used from the engine's thread only.
final class ImageGroupState {
  enum PrefixRow {
    case token(Int32)
    /// Index into the projected image rows.
    case image(Int)
  }

  let id: Int
  let prefix: [PrefixRow]
  /// Projected rows of the image with its newlines, `[rows, D]`.
  let imageRows: [Float]
  let width: Int
  let questions: [QuestionState]
  /// Who asked, and the place of each question in what they asked.
  let request: Int
  let places: [Int]
  private let ledger: TokenLedger
  private let start = ContinuousClock.now
  private var firstToken: [ContinuousClock.Instant?]

  init(
    id: Int, request: Int, places: [Int], tokens: [Int32], imageRows: [Float], width: Int,
    questions: [QuestionState], ledger: TokenLedger
  ) {
    self.id = id
    self.request = request
    self.places = places
    self.imageRows = imageRows
    self.width = width
    self.questions = questions
    self.ledger = ledger
    prefix = tokens.map(PrefixRow.token) + (0..<imageRows.count / max(1, width)).map(PrefixRow.image)
    firstToken = questions.map { _ in nil }
  }

  var plan: GroupPlan {
    GroupPlan(id: id, prefixRows: prefix.count, questions: questions.map(\.plan))
  }

  /// What the row of a step holds.
  func source(of content: StepRow.Content) -> StepInput.Source {
    switch content {
    case .prefix(let index):
      switch prefix[index] {
      case .token(let token): .token(token)
      case .image(let row): .image(imageRows[row * width..<(row + 1) * width])
      }
    case .prompt(let question, let index): .token(questions[question].promptTokens[index])
    case .branch(let question, let index): .token(questions[question].token(ofBranch: index))
    case .answer(let question): .token(questions[question].lastToken)
    }
  }

  enum Verdict {
    case goOn(question: Int)
    case finished(question: Int, Completion)
    case wait
  }

  /// Hands a row's logits to its question.
  func take(_ logits: UnsafeBufferPointer<Float>, of content: StepRow.Content) -> Verdict {
    let (question, branch): (Int, Int?) =
      switch content {
      case .prefix: (0, nil)
      case .prompt(let question, _), .answer(let question): (question, nil)
      case .branch(let question, let index): (question, index)
      }
    firstToken[question] = firstToken[question] ?? .now
    do {
      let state = questions[question]
      switch try state.take(logits, branch: branch, promptTokens: prefix.count + state.promptTokens.count) {
      case .goOn: return .goOn(question: question)
      case .waitForBranches: return .wait
      case .done(let answer): return .finished(question: question, completion(question, .success(answer)))
      }
    } catch {
      let rejection = error as? Rejection ?? Rejection(.internal, "\(error)")
      return .finished(question: question, completion(question, .failure(rejection)))
    }
  }

  private func completion(_ question: Int, _ outcome: Result<Answer, Rejection>) -> Completion {
    let first = firstToken[question] ?? .now
    return Completion(
      request: request, place: places[question],
      reply: Reply(
        outcome: outcome, visualTokens: ledger, prefillMilliseconds: (first - start).milliseconds,
        decodeMilliseconds: (.now - first).milliseconds))
  }
}

/// A question's reply, with who asked and its place in what they asked.
struct Completion {
  var request: Int
  var place: Int
  var reply: Reply
}

extension Duration {
  var milliseconds: Double {
    Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15
  }
}
