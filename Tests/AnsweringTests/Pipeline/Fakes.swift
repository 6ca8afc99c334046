import Foundation
import Synchronization
import TokenSampling

@testable import Answering

/// Jobs from an array; counts what was read, finished and abandoned.
final class FakeSource: JobSource {
  struct Broken: Error {}

  private let deliveries: [Delivery]
  /// Throws after the last delivery, instead of ending.
  private let breaksAtEnd: Bool
  /// Suspends after the last delivery, as a topic does, until cancelled.
  private let waitsAtEnd: Bool
  /// Runs before a delivery is given, with its place from 0.
  private let beforeEach: @Sendable (Int) async throws -> Void
  private let state = Mutex((read: 0, finished: [Int](), abandoned: [Int](), hasEnded: false))

  init(
    _ deliveries: [Delivery], breaksAtEnd: Bool = false, waitsAtEnd: Bool = false,
    beforeEach: @escaping @Sendable (Int) async throws -> Void = { _ in }
  ) {
    self.deliveries = deliveries
    self.breaksAtEnd = breaksAtEnd
    self.waitsAtEnd = waitsAtEnd
    self.beforeEach = beforeEach
  }

  convenience init(jobs: Int, images: Int? = nil) {
    self.init((0..<jobs).map { .job($0, image: "image-\($0 % (images ?? jobs))") })
  }

  var read: Int { state.withLock(\.read) }
  /// Whether the end was told.
  var hasEnded: Bool { state.withLock(\.hasEnded) }
  var finished: [Int] { state.withLock(\.finished) }
  var abandoned: [Int] { state.withLock(\.abandoned) }

  func next() async throws -> Delivery? {
    let place = state.withLock { $0.read }
    if place < deliveries.count {
      try await beforeEach(place)
      state.withLock { $0.read += 1 }
      return deliveries[place]
    }
    if breaksAtEnd { throw Broken() }
    if waitsAtEnd { try await Task.sleep(for: .seconds(3600)) }
    state.withLock { $0.hasEnded = true }
    return nil
  }

  func finish(_ delivery: Delivery) async throws {
    state.withLock { $0.finished.append(delivery.sequence) }
  }

  func abandon(_ delivery: Delivery) async {
    state.withLock { $0.abandoned.append(delivery.sequence) }
  }
}

/// Images named by their URI; the digest is the name.
final class FakeImages: ImageSource {
  /// URIs that cannot be fetched.
  let unreachable: Set<String>
  /// URIs that fetch but do not decode.
  let undecodable: Set<String>
  let fetches = Counter()
  let tilings = Counter()

  init(unreachable: Set<String> = [], undecodable: Set<String> = []) {
    self.unreachable = unreachable
    self.undecodable = undecodable
  }

  func fetch(_ reference: ImageReference) async throws -> FetchedImage {
    fetches.add()
    guard case .uri(let uri) = reference, !unreachable.contains(uri) else {
      throw Rejection(.imageUnreachable, "no such image")
    }
    return FetchedImage(bytes: Data(uri.utf8), sha256: uri)
  }

  func tiles(of image: FetchedImage, rules: TilingRules) async throws -> TiledImage {
    tilings.add()
    if undecodable.contains(image.sha256) { throw Rejection(.imageUndecodable, "not an image") }
    return TiledImage(
      tileSize: 1, pixels: [1, 2, 3], grid: GridSize(columns: 0, rows: 0),
      originalSize: PixelSize(width: 1, height: 1))
  }
}

/// Answers "text of the question"; each call can be held at a gate or made to fail.
final class FakeModel: VisionLanguageModel {
  let identity = ModelIdentity(name: "fake", fingerprint: "0")
  let tilingRules = TilingRules(tileSize: 1, patchSize: 1)
  private let channels: Int
  let encodes = Counter()
  let answers = Counter()
  /// Runs inside `encode` with the call's number from 1.
  private let onEncode: @Sendable (Int) async throws -> Void
  /// Runs inside `answer` with the call's number from 1.
  private let onAnswer: @Sendable (Int) async throws -> Void

  init(
    channels: Int = 1,
    onEncode: @escaping @Sendable (Int) async throws -> Void = { _ in },
    onAnswer: @escaping @Sendable (Int) async throws -> Void = { _ in }
  ) {
    self.channels = channels
    self.onEncode = onEncode
    self.onAnswer = onAnswer
  }

  func accepts(_ image: CompressedImage) -> Bool { image.channels == channels }

  func tokenRecipe(_ compression: Compression) -> String { "fake \(compression)" }

  func compress(_ image: TiledImage, _ compression: Compression) async throws -> CompressionReply {
    try await onEncode(encodes.add())
    return CompressionReply(image: .fake(encodedTokens: 1), milliseconds: 2)
  }

  func answer(
    _ questions: [Question], about image: CompressedImage, key: TokenKey
  ) async throws -> [Reply] {
    try await onAnswer(answers.add())
    return questions.map { question in
      let answer = Answer(text: question.text, finishReason: .stop, promptTokens: 10, completionTokens: 2)
      return Reply(
        outcome: question.text == "too long" ? .failure(Rejection(.questionTooLong, "")) : .success(answer),
        visualTokens: TokenLedger(encoded: 1, compressed: 1, selected: 1), prefillMilliseconds: 3,
        decodeMilliseconds: 4)
    }
  }
}

extension CompressedImage {
  /// One token of one value.
  static func fake(encodedTokens: Int) -> CompressedImage {
    CompressedImage(
      tokens: [0, 0, 0, 0], type: .f32, channels: 1, overviewTokens: 0, newlines: [],
      map: GridSize(columns: 1, rows: 1), scales: nil, encodedTokens: encodedTokens)
  }
}

/// Keeps what was published.
final class FakeSink: ResultSink {
  struct Full: Error {}

  private let published = Mutex([JobOutcome]())
  private let check: @Sendable (JobOutcome) throws -> Void

  init(check: @escaping @Sendable (JobOutcome) throws -> Void = { _ in }) {
    self.check = check
  }

  func publish(_ outcome: JobOutcome) async throws {
    try check(outcome)
    published.withLock { $0.append(outcome) }
  }

  var outcomes: [JobOutcome] { published.withLock { $0 } }
  var sequences: [Int] { outcomes.map(\.delivery.sequence) }

  /// Reasons of the rejected jobs by sequence.
  var rejections: [Int: RejectionReason] {
    outcomes.reduce(into: [:]) { found, outcome in
      if case .rejected(let letter, let delivery) = outcome {
        found[delivery.sequence] = letter.rejection.reason
      }
    }
  }
}

/// Counts calls, and how many run at once.
final class Counter: Sendable {
  private let state = Mutex((count: 0, running: 0, peak: 0))

  var count: Int { state.withLock(\.count) }
  var peak: Int { state.withLock(\.peak) }

  @discardableResult
  func add() -> Int {
    state.withLock {
      $0.count += 1
      return $0.count
    }
  }

  func during<Value>(_ work: () async throws -> Value) async rethrows -> Value {
    state.withLock {
      $0.running += 1
      $0.peak = max($0.peak, $0.running)
    }
    defer { state.withLock { $0.running -= 1 } }
    return try await work()
  }
}

/// Holds tasks until opened.
final class TestGate: Sendable {
  private let drain = Signal()

  func open() { drain.raise() }
  func pass() async throws {
    await drain.raised()
    try Task.checkCancellation()
  }
}

extension Delivery {
  static func job(_ sequence: Int, image: String, questions: [String] = ["what?"]) -> Delivery {
    let questions = questions.enumerated().map { Question(id: "q\($0)", text: $1) }
    return Delivery(
      sequence: sequence, origin: .line(file: "jobs.jsonl", number: sequence + 1),
      content: .success(Job(id: "job-\(sequence)", image: .uri(image), questions: questions)))
  }

  static func bad(_ sequence: Int) -> Delivery {
    Delivery(
      sequence: sequence, origin: .line(file: "jobs.jsonl", number: sequence + 1),
      content: .failure(Rejection(.malformedJSON, "line \(sequence + 1) is not JSON")),
      payload: Payload(Data("{".utf8)), rejectedJobID: nil)
  }
}

/// Waits, a few milliseconds at a time, until `condition` holds; false after five seconds.
func eventually(_ condition: () -> Bool) async -> Bool {
  for _ in 0..<1000 {
    if condition() { return true }
    try? await Task.sleep(for: .milliseconds(5))
  }
  return condition()
}
