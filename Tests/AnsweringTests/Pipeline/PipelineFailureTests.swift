import Testing

@testable import Answering

@Suite("Failures on the way")
struct PipelineFailureTests {
  struct Odd: Error {}

  @Test("Bad messages and bad images get dead letters; their neighbours get answers")
  func rejectionsStayAlone() async throws {
    let source = FakeSource([
      .job(0, image: "a"), .bad(1), .job(2, image: "gone"), .job(3, image: "broken"), .job(4, image: "b"),
    ])
    let sink = FakeSink()
    let images = FakeImages(unreachable: ["gone"], undecodable: ["broken"])
    let ending = try await pipeline(source, images: images, sink: sink).run()
    #expect(sink.rejections == [1: .malformedJSON, 2: .imageUnreachable, 3: .imageUndecodable])
    #expect(Set(source.finished) == Set(0..<5))
    #expect(ending.counts.jobsAnswered == 2)
    #expect(ending.counts.jobsRejected == 3)
    #expect(ending.counts.hasFailures)
  }

  @Test("A question's own error is a result beside the others")
  func questionFailsAlone() async throws {
    let source = FakeSource([.job(0, image: "a", questions: ["one", "too long", "three"])])
    let ending = try await pipeline(source).run()
    #expect(ending.counts.jobsAnswered == 1)
    #expect(ending.counts.questionsAnswered == 2)
    #expect(ending.counts.questionsFailed == 1)
  }

  @Test("An unknown error ends its own job as internal, and says what it was")
  func unknownErrorIsInternal() async throws {
    let sink = FakeSink()
    let model = FakeModel(onAnswer: { call in if call == 2 { throw Odd() } })
    _ = try await pipeline(FakeSource(jobs: 3), model: model, sink: sink, .init(lookAhead: 0)).run()
    #expect(sink.rejections == [1: .internal])
    guard case .rejected(let letter, _) = sink.outcomes[1] else { return }
    #expect(letter.rejection.message.contains("Odd"))
    #expect(letter.jobID == "job-1")
  }

  @Test("A job too large for the sink becomes a dead letter")
  func refusedResultBecomesDeadLetter() async throws {
    let sink = FakeSink { outcome in
      if case .answered(_, let job, _) = outcome, job.id == "job-1" {
        throw Rejection(.resultTooLarge, "2 MB")
      }
    }
    let ending = try await pipeline(FakeSource(jobs: 3), sink: sink).run()
    #expect(sink.rejections == [1: .resultTooLarge])
    #expect(ending.counts.jobsRejected == 1)
  }

  @Test("A broken sink stops the run with its error; unpublished jobs stay unfinished")
  func sinkFailureStops() async throws {
    let source = FakeSource(jobs: 100)
    let sink = FakeSink { if $0.delivery.sequence == 10 { throw FakeSink.Full() } }
    await #expect(throws: FakeSink.Full.self) {
      _ = try await pipeline(source, sink: sink, .init(lookAhead: 0)).run()
    }
    #expect(source.finished == Array(0..<10))
    #expect(source.read == 11)
    #expect(source.abandoned == [10])
  }

  @Test("A broken source stops the run after the jobs in flight are finished")
  func sourceFailureFinishesJobs() async throws {
    let source = FakeSource([.job(0, image: "a"), .job(1, image: "b")], breaksAtEnd: true)
    let model = FakeModel(onAnswer: { _ in try await Task.sleep(for: .milliseconds(20)) })
    await #expect(throws: FakeSource.Broken.self) { _ = try await pipeline(source, model: model).run() }
    #expect(source.finished == [0, 1])
  }

  @Test("A broken environment stops the run and abandons the jobs in flight")
  func environmentFailureStops() async throws {
    let source = FakeSource(jobs: 20)
    let sink = FakeSink()
    let model = FakeModel(onAnswer: { call in
      if call == 3 { throw EnvironmentFailure("the device is lost") }
    })
    await #expect(throws: EnvironmentFailure("the device is lost")) {
      _ = try await pipeline(source, model: model, sink: sink, .init(lookAhead: 2)).run()
    }
    #expect(sink.outcomes.count == 2)
    #expect(source.finished.count == 2)
    // The job at which the device broke keeps its attempt: it may be the cause.
    #expect(!source.abandoned.contains(2) && source.abandoned.contains(3))
  }
}
