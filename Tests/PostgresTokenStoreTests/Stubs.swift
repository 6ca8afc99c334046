import Answering
import Foundation
import PostgresTokenStore
import Synchronization
import TokenSampling

/// A worker with a stub model on a real store: jobs in, outcomes counted.
struct StubWorker {
  let model = StubModel()
  var settings = PipelineSettings(jobsInFlight: 4)

  /// Answers one job about each of the images, in this order.
  func run(images: [String], on store: any TokenStore) async throws -> RunCounts {
    let pipeline = Pipeline(
      source: StubSource(images), images: StubImages(), model: model, sink: StubSink(), store: store,
      settings: settings)
    return try await pipeline.run().counts
  }
}

actor StubSource: JobSource {
  private var deliveries: ArraySlice<Delivery>

  init(_ images: [String]) {
    deliveries =
      images.enumerated().map { index, image in
        Delivery(
          sequence: index, origin: .line(file: "jobs", number: index + 1),
          content: .success(
            Job(id: "job-\(index)", image: .uri(image), questions: [Question(id: "q", text: "what?")])))
      }[...]
  }

  func next() -> Delivery? { deliveries.popFirst() }
  func finish(_ delivery: Delivery) {}
}

struct StubSink: ResultSink {
  func publish(_ outcome: JobOutcome) {}
}

/// Images named by their URI; the digest is the name.
struct StubImages: ImageSource {
  func fetch(_ reference: ImageReference) throws -> FetchedImage {
    guard case .uri(let name) = reference else { throw Rejection(.internal, "no URI") }
    return FetchedImage(bytes: Data(name.utf8), sha256: name)
  }

  func tiles(of image: FetchedImage, rules: TilingRules) -> TiledImage {
    TiledImage(
      tileSize: 1, pixels: [0, 0, 0], grid: GridSize(columns: 0, rows: 0),
      originalSize: PixelSize(width: 1, height: 1))
  }
}

/// Encodes every image to one token, and counts.
final class StubModel: VisionLanguageModel {
  let identity = ModelIdentity(name: "stub", fingerprint: "0")
  let tilingRules = TilingRules(tileSize: 1, patchSize: 1)
  private let count = Mutex(0)
  /// Runs in each encode with its number from 1.
  private let work = Mutex<@Sendable (Int) async throws -> Void>({ _ in
    // Longer than a look into the store, so that encodes meet.
    try await Task.sleep(for: .milliseconds(3))
  })

  var encodes: Int { count.withLock { $0 } }

  func onEncode(_ work: @escaping @Sendable (Int) async throws -> Void) { self.work.withLock { $0 = work } }

  func tokenRecipe(_ compression: Compression) -> String { "stub" }

  static func key(_ image: String) -> TokenKey { TokenKey(imageSHA256: image, recipe: "stub") }

  func compress(_ image: TiledImage, _ compression: Compression) async throws -> CompressionReply {
    let number = count.withLock { count in
      count += 1
      return count
    }
    let work = work.withLock { $0 }
    try await work(number)
    return CompressionReply(
      image: CompressedImage(
        tokens: [0, 0, 0, 0], type: .f32, channels: 1, overviewTokens: 0, newlines: [],
        map: GridSize(columns: 1, rows: 1), scales: nil, encodedTokens: 1))
  }

  func answer(_ questions: [Question], about image: CompressedImage, key: TokenKey) -> [Reply] {
    questions.map { _ in
      let answer = Answer(text: "that", finishReason: .stop, promptTokens: 1, completionTokens: 1)
      return Reply(
        outcome: .success(answer), visualTokens: TokenLedger(encoded: 1, compressed: 1, selected: 1))
    }
  }
}

extension PostgresSettings {
  /// For tests that expect an answer, on a machine however busy.
  static let patient = PostgresSettings(timeout: .seconds(60))
}

/// Tries until something comes true; false after a minute, so that a test fails instead of hanging.
func eventually(_ isTrue: () async -> Bool) async -> Bool {
  let deadline = ContinuousClock.now + .seconds(60)
  while ContinuousClock.now < deadline {
    if await isTrue() { return true }
    try? await Task.sleep(for: .milliseconds(20))
  }
  return false
}
