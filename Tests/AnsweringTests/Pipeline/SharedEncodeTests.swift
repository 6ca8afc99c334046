import Testing

@testable import Answering

@Suite("One encode for the jobs in flight on one image")
struct SharedEncodeTests {
  struct Passing: Error {}

  @Test("Two jobs on one image encode it once")
  func oneEncodeForTwoJobs() async throws {
    let images = FakeImages()
    let model = FakeModel(onAnswer: meeting(of: 3))
    let source = FakeSource([.job(0, image: "cat"), .job(1, image: "cat"), .job(2, image: "dog")])
    let ending = try await pipeline(source, images: images, model: model, .init(jobsInFlight: 3)).run()
    #expect(ending.counts.jobsAnswered == 3)
    #expect(model.encodes.count == 2)
    #expect(images.tilings.count == 2)
  }

  /// Holds each answer until `count` have begun: until then all of these jobs keep their claim on an encode.
  private func meeting(of count: Int) -> @Sendable (Int) async throws -> Void {
    let gate = TestGate()
    return { call in
      if call == count { gate.open() }
      try await gate.pass()
    }
  }

  @Test("A job that waits for another's encode takes no turn at the model")
  func waitingTakesNoTurn() async throws {
    let gate = TestGate()
    let sink = FakeSink()
    let model = FakeModel(onEncode: { call in if call == 1 { try await gate.pass() } })
    let source = FakeSource([.job(0, image: "cat"), .job(1, image: "cat"), .job(2, image: "dog")])
    let pipeline = pipeline(source, model: model, sink: sink, .init(jobsInFlight: 2, lookAhead: 2))
    async let running = pipeline.run()

    #expect(await eventually { sink.outcomes.count == 1 })
    gate.open()
    #expect(try await running.counts.jobsAnswered == 3)
    #expect(model.encodes.count <= 2)
  }

  @Test("When an encode fails in passing, the next job on the image tries itself")
  func retriesAfterPassingFailure() async throws {
    let sink = FakeSink()
    let model = FakeModel(
      onEncode: { call in if call == 1 { throw Passing() } }, onAnswer: meeting(of: 2))
    let source = FakeSource((0..<3).map { .job($0, image: "cat") })
    let ending = try await pipeline(source, model: model, sink: sink, .init(jobsInFlight: 3)).run()
    #expect(sink.rejections.count == 1)
    #expect(sink.rejections.values.first == .internal)
    #expect(ending.counts.jobsAnswered == 2)
    #expect(model.encodes.count == 2)
  }

  @Test("An image that does not decode is tried once for the jobs that wait, and again for a later one")
  func finalFailureIsShared() async throws {
    let gate = TestGate()
    let encodes = SharedEncodes()
    let key = TokenKey(imageSHA256: "broken", recipe: "")
    let tries = Counter()
    @Sendable func attempt(_ job: Int) async throws -> CompressedImage {
      defer { encodes.leave(key, job: job) }
      return try await encodes.image(key, for: job) {
        tries.add()
        try await gate.pass()
        throw Rejection(.imageUndecodable, "not an image")
      }
    }
    let attempts = (0..<3).map { job in Task { try await attempt(job) } }
    try await Task.sleep(for: .milliseconds(50))
    gate.open()
    for attempt in attempts { await #expect(throws: Rejection.self) { _ = try await attempt.value } }
    #expect(tries.count == 1)
    await #expect(throws: Rejection.self) { _ = try await attempt(3) }
    #expect(tries.count == 2)
  }

  @Test("When the encoding job is cancelled, a waiting job takes over")
  func takesOverFromCancelled() async throws {
    let encodes = SharedEncodes()
    let key = TokenKey(imageSHA256: "cat", recipe: "")
    let tries = Counter()
    @Sendable func attempt(_ job: Int) async throws -> Int {
      defer { encodes.leave(key, job: job) }
      return try await encodes.image(key, for: job) {
        if tries.add() == 1 { try await Task.sleep(for: .seconds(3600)) }
        return CompressedImage.fake(encodedTokens: 9)
      }.encodedTokens
    }
    let first = Task { try await attempt(0) }
    #expect(await eventually { tries.count == 1 })
    let second = Task { try await attempt(1) }
    try await Task.sleep(for: .milliseconds(20))
    first.cancel()
    #expect(try await second.value == 9)
    #expect(tries.count == 2)
  }
}
