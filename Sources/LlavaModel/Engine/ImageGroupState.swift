import Answering
import Batching

/// One image's shared prefix and the questions asked of it, while the engine works on them.
///
/// Not thread-safe: used from the engine's thread only.
final class ImageGroupState: StepGroup {
  let id: Int
  let prefix: PrefixState
  let questions: [QuestionState]
  /// Who asked, and the place of each question in what they asked.
  let request: Int
  let places: [Int]
  /// When the group's first row was computed.
  private var start: ContinuousClock.Instant?
  private var firstToken: [ContinuousClock.Instant?]

  init(id: Int, prefix: PrefixState, request: Int, places: [Int], questions: [QuestionState]) {
    self.id = id
    self.prefix = prefix
    self.request = request
    self.places = places
    self.questions = questions
    firstToken = questions.map { _ in nil }
  }

  var plan: GroupPlan {
    GroupPlan(id: id, prefixRows: prefix.rowCount, prefix: prefix.id, questions: questions.map(\.plan))
  }

  /// A step with rows of the group begins.
  func begin() { start = start ?? .now }

  /// What the row of a step holds.
  func source(of content: StepRow.Content) throws -> PassRows.Source {
    switch content {
    case .prefix(let index): try prefix.source(of: index)
    case .prompt(let question, let index): .token(questions[question].promptTokens[index])
    case .branch(let question, let index): .token(questions[question].token(ofBranch: index))
    case .answer(let question): .token(questions[question].lastToken)
    }
  }

  // MARK: Selection

  var visualRows: [Int] { prefix.visualRows }
  var selects: Bool { questions.contains { $0.selection != nil } }
  var hiddenPrefix: [Float] { prefix.hidden }

  func keep(_ row: ArraySlice<Float>, at index: Int) { prefix.keep(row, at: index) }
  func questionRows(_ question: Int) -> Range<Int> { questions[question].questionRows }
  /// FNV-1a over the prompt's tokens.
  func seed(of question: Int) -> UInt64 {
    questions[question].promptTokens.reduce(0xCBF2_9CE4_8422_2325) { hash, token in
      (hash ^ UInt64(UInt32(bitPattern: token))) &* 0x100_0000_01B3
    }
  }
  func kept(_ question: Int) -> KeptRows? { questions[question].kept }

  func select(_ importance: [Float], for question: Int, start: Int, cells: [Int]) {
    questions[question].select(importance, of: prefix, start: start, cells: cells)
  }

  // MARK: Answers

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
      switch try state.take(logits, branch: branch, promptTokens: prefix.rowCount + state.promptTokens.count)
      {
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
        outcome: outcome, visualTokens: questions[question].ledger,
        prefillMilliseconds: (first - (start ?? first)).milliseconds,
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
