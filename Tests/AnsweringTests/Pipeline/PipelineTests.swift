import Testing

@testable import Answering

@Suite("The way from job to results")
struct PipelineTests {
  @Test("Every job is answered, published and finished, in reading order with one turn at the model")
  func answersEveryJob() async throws {
    let source = FakeSource(jobs: 50)
    let sink = FakeSink()
    let ending = try await pipeline(source, sink: sink, .init(lookAhead: 0)).run()
    #expect(sink.sequences == Array(0..<50))
    #expect(source.finished == Array(0..<50))
    #expect(ending.counts.jobsAnswered == 50)
    #expect(ending.counts.completionTokens == 100)
    #expect(!ending.counts.hasFailures)
    #expect(!ending.wasInterrupted)
  }

  @Test("A result carries its ids, the image's digest, the ledger and the times")
  func resultIsComplete() async throws {
    let sink = FakeSink()
    let source = FakeSource([.job(7, image: "cat", questions: ["a", "b"])])
    _ = try await pipeline(source, sink: sink).run()
    guard case .answered(let results, let job, _) = try #require(sink.outcomes.first) else {
      Issue.record("not answered")
      return
    }
    #expect(job.id == "job-7")
    #expect(results.map(\.questionID) == ["q0", "q1"])
    #expect(results.map { try? $0.outcome.get().text } == ["a", "b"])
    #expect(results[0].imageSHA256 == "cat")
    #expect(results[0].visualTokens?.encoded == 1)
    #expect(results[0].timings.fetch > 0)
    #expect(results[0].timings.prefill == 3)
    #expect(results[0].timings.decode == 4)
    #expect(results[0].tokenCache == .off)
  }

  @Test("No more jobs are read than fit ahead of a busy model")
  func looksAheadOnlySoFar() async throws {
    let gate = TestGate()
    let source = FakeSource(jobs: 100)
    let images = FakeImages()
    let model = FakeModel(onAnswer: { _ in try await gate.pass() })
    let settings = PipelineSettings(jobsInFlight: 2, lookAhead: 3)
    let pipeline = pipeline(source, images: images, model: model, settings)
    async let ending = pipeline.run()

    #expect(await eventually { images.tilings.count == 5 })
    try await Task.sleep(for: .milliseconds(50))
    #expect(source.read == 5)
    #expect(images.tilings.count == 5)
    #expect(model.answers.count == 2)
    gate.open()
    #expect(try await ending.counts.jobsAnswered == 100)
  }

  @Test("Images held for the model stay within the byte limit")
  func looksAheadWithinBytes() async throws {
    let gate = TestGate()
    let images = FakeImages()
    let model = FakeModel(onEncode: { _ in try await gate.pass() })
    // One image weighs its 7 bytes and its largest tiled form of 3.
    let settings = PipelineSettings(jobsInFlight: 1, lookAhead: 5, lookAheadBytes: 25)
    let pipeline = pipeline(FakeSource(jobs: 6), images: images, model: model, settings)
    async let ending = pipeline.run()

    #expect(await eventually { images.fetches.count == 6 })
    try await Task.sleep(for: .milliseconds(50))
    #expect(images.tilings.count == 2)
    gate.open()
    #expect(try await ending.counts.jobsAnswered == 6)
  }

  @Test("The model works on several jobs at once, up to the setting")
  func modelTakesSeveralJobs() async throws {
    let running = Counter()
    let model = FakeModel(onAnswer: { _ in
      // The first wait for each other, however slowly they come; the others look for a fourth.
      await running.during { #expect(await eventually { running.peak >= 3 }) }
    })
    let settings = PipelineSettings(jobsInFlight: 3, lookAhead: 4)
    let ending = try await pipeline(FakeSource(jobs: 30), model: model, settings).run()
    #expect(running.peak == 3)
    #expect(ending.counts.jobsAnswered == 30)
  }

  @Test("Results are published as they finish, not when their neighbours do")
  func publishesAsFinished() async throws {
    let gate = TestGate()
    let sink = FakeSink()
    let model = FakeModel(onAnswer: { call in if call == 1 { try await gate.pass() } })
    let settings = PipelineSettings(jobsInFlight: 2, lookAhead: 2)
    let pipeline = pipeline(FakeSource(jobs: 10), model: model, sink: sink, settings)
    async let ending = pipeline.run()

    #expect(await eventually { sink.outcomes.count == 9 })
    gate.open()
    _ = try await ending
    #expect(Set(sink.sequences) == Set(0..<10))
  }
}

/// A pipeline over fakes.
func pipeline(
  _ source: FakeSource, images: FakeImages = FakeImages(), model: FakeModel = FakeModel(),
  sink: FakeSink = FakeSink(), _ settings: PipelineSettings = .init()
) -> Pipeline {
  Pipeline(source: source, images: images, model: model, sink: sink, settings: settings)
}
