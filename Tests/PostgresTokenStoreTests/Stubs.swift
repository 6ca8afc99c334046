import Answering
import Foundation
import PostgresTokenStore
import StubAnswers
import Synchronization

/// A worker with a stub model on a real store: jobs in, outcomes counted.
struct StubWorker {
  let encodes = EncodeCount()
  var settings = PipelineSettings(jobsInFlight: 4)

  /// Answers one job about each of the images, in this order.
  func run(images: [String], on store: any TokenStore) async throws -> RunCounts {
    let pipeline = Pipeline(
      source: StubSource(images), images: StubImages(),
      model: StubModel(encoding: { [encodes] in try await encodes.add() }), sink: StubSink(), store: store,
      settings: settings)
    return try await pipeline.run().counts
  }

  /// What an image's tokens are stored under.
  static func key(_ image: String) -> TokenKey {
    TokenKey(imageSHA256: StubImages.digest(of: Data(image.utf8)), recipe: StubModel.recipe)
  }
}

/// Counts runs of the vision tower.
final class EncodeCount: Sendable {
  private let count = Mutex(0)
  /// Runs in each encode with its number from 1.
  private let work = Mutex<@Sendable (Int) async throws -> Void>({ _ in
    // Longer than a look into the store, so that encodes meet.
    try await Task.sleep(for: .milliseconds(3))
  })

  var value: Int { count.withLock { $0 } }

  func onEach(_ work: @escaping @Sendable (Int) async throws -> Void) { self.work.withLock { $0 = work } }

  func add() async throws {
    let number = count.withLock { count in
      count += 1
      return count
    }
    try await work.withLock { $0 }(number)
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
