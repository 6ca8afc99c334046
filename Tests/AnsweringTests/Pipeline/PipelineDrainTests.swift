import Testing

@testable import Answering

@Suite("Stopping a run")
struct PipelineDrainTests {
  @Test("A drain stops reading and finishes the jobs in flight")
  func drainFinishesJobsInFlight() async throws {
    let gate = TestGate()
    let drain = Signal()
    let source = FakeSource(jobs: 100)
    let model = FakeModel(onAnswer: { _ in try await gate.pass() })
    let pipeline = pipeline(source, model: model, .init(jobsInFlight: 1, lookAhead: 2))
    async let running = pipeline.run(until: drain)

    #expect(await eventually { source.read == 3 })
    drain.raise()
    gate.open()
    let ending = try await running
    #expect(ending.wasInterrupted)
    #expect(ending.counts.jobsAnswered == source.finished.count)
    #expect(ending.counts.jobsAbandoned == 0)
    #expect((1...4).contains(source.finished.count))
    // What was read too late is given back.
    #expect(source.finished.count + source.abandoned.count == source.read)
  }

  @Test("Jobs that outlast the drain are abandoned, unfinished and unpublished")
  func drainDeadlineAbandons() async throws {
    let drain = Signal()
    let source = FakeSource(jobs: 100)
    let sink = FakeSink()
    let model = FakeModel(onAnswer: { _ in try await Task.sleep(for: .seconds(3600)) })
    let settings = PipelineSettings(lookAhead: 2, drainTimeout: .milliseconds(20))
    let images = FakeImages()
    let pipeline = pipeline(source, images: images, model: model, sink: sink, settings)
    async let running = pipeline.run(until: drain)

    #expect(await eventually { images.tilings.count == 3 && model.answers.count == 1 })
    drain.raise()
    let ending = try await running
    #expect(ending.wasInterrupted)
    #expect(ending.counts.jobsAbandoned == 3)
    #expect(sink.outcomes.isEmpty)
    #expect(source.finished.isEmpty)
  }

  @Test("A drain ends a source that waits for more, and the run is incomplete", arguments: 0..<50)
  func drainEndsWaitingSource(time: Int) async throws {
    let drain = Signal()
    let source = FakeSource([.job(0, image: "a")], waitsAtEnd: true)
    let pipeline = pipeline(source)
    async let running = pipeline.run(until: drain)

    #expect(await eventually { source.finished == [0] })
    drain.raise()
    let ending = try await running
    #expect(ending.counts.jobsAnswered == 1)
    #expect(ending.wasInterrupted)
  }

  @Test("A drain that began before the run reads nothing")
  func drainBeforeRun() async throws {
    let drain = Signal()
    drain.raise()
    let source = FakeSource(jobs: 3)
    let ending = try await pipeline(source).run(until: drain)
    #expect(ending.wasInterrupted)
    #expect(source.read == 0)
  }

  @Test("A drain after the source's end does not make the run incomplete", arguments: 0..<50)
  func drainAfterLastJob(time: Int) async throws {
    let gate = TestGate()
    let drain = Signal()
    let source = FakeSource(jobs: 2)
    let model = FakeModel(onAnswer: { _ in try await gate.pass() })
    let pipeline = pipeline(source, model: model, .init(lookAhead: 4))
    async let running = pipeline.run(until: drain)

    #expect(await eventually { model.answers.count == 1 && source.hasEnded })
    drain.raise()
    gate.open()
    let ending = try await running
    #expect(!ending.wasInterrupted)
    #expect(ending.counts.jobsAnswered == 2)
  }

  @Test("Cancelling the task abandons everything at once")
  func cancelAbandons() async throws {
    let source = FakeSource(jobs: 100)
    let model = FakeModel(onAnswer: { _ in try await Task.sleep(for: .seconds(3600)) })
    let pipeline = pipeline(source, model: model)
    let run = Task { try await pipeline.run() }

    #expect(await eventually { model.answers.count == 1 })
    run.cancel()
    await #expect(throws: CancellationError.self) { _ = try await run.value }
    #expect(source.finished.isEmpty)
  }
}
