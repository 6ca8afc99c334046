import Adversary
import Answering
import Foundation
import Synchronization
import Testing

@testable import Images

@Suite struct FetchRetriesTests {
  @Test func waitsDoubleUpToTheLongest() {
    var retries = FetchRetries(isOwnStore: true, firstWait: 0.5)
    let waits = (0..<7).map { _ in retries.wait(after: .some, jitter: 0) }
    #expect(waits == [0.5, 1, 2, 4, 8, 8, 8])
    for _ in 0..<100 { #expect(retries.wait(after: .some, jitter: 1) == 12) }
  }

  @Test func othersServersGetTwoMoreTries() {
    var retries = FetchRetries(isOwnStore: false, firstWait: 0.5)
    #expect((0..<3).map { _ in retries.wait(after: .some, jitter: 0) } == [0.5, 1, nil])
    #expect(retries.tries == 3)
  }

  @Test func whoAsksForPatienceIsWaitedFor() {
    var retries = FetchRetries(isOwnStore: false, firstWait: 0.5)
    #expect(retries.wait(after: .later(seconds: 20), jitter: 0) == 20)
    for _ in 0..<10 { _ = retries.wait(after: .later(seconds: 0), jitter: 0) }
    #expect(retries.wait(after: .later(seconds: 0), jitter: 0) == 8)
  }

  @Test func whatCannotHelpIsNotTriedAgain() {
    var retries = FetchRetries(isOwnStore: true, firstWait: 0.5)
    #expect(retries.wait(after: .none, jitter: 0) == nil)
  }

  // MARK: Against a server

  private func loader(_ server: LocalServer, seconds: Double = 30) throws -> ImageLoader {
    var limits = ImageLimits()
    limits.fetchSeconds = seconds
    let access = try ImageAccess(
      allowHosts: [server.host], s3Endpoint: "http://\(server.host)", environment: [:])
    return ImageLoader(web: WebImages(access: access, limits: limits, firstWait: 0.001))
  }

  /// Gives these answers, one to each request, then an image.
  private func server(_ answers: [LocalServer.Answer]) throws -> LocalServer {
    let left = Mutex(answers[...])
    return try LocalServer { _ in left.withLock { $0.popFirst() } ?? .image(FetchingTests.bytes) }
  }

  @Test(arguments: [408, 429, 500, 502, 503, 504])
  func aServerInTroubleIsAskedAgain(status: Int) async throws {
    let server = try server([.status(status), .status(status)])
    #expect(try await loader(server).fetch(.uri(server.url("/a.jpg"))).bytes == FetchingTests.bytes)
    #expect(server.requests.count == 3)
  }

  @Test(arguments: [400, 403, 404, 410])
  func anAnswerThatStandsIsTakenAtOnce(status: Int) async throws {
    let server = try server([.status(status)])
    await expectRejection(.imageUnreachable) { try await loader(server).fetch(.uri(server.url("/a.jpg"))) }
    #expect(server.requests.count == 1)
  }

  @Test func threeFailuresAreEnoughElsewhereAndNotOfTheOwnStore() async throws {
    let web = try server(Array(repeating: .status(500), count: 3))
    let message = await expectRejection(.imageUnreachable) {
      try await loader(web).fetch(.uri(web.url("/a.jpg")))
    }
    #expect(message.contains("500") && message.contains("tried 3 times"))
    let store = try server(Array(repeating: .status(500), count: 6))
    #expect(try await loader(store).fetch(.uri("s3://pictures/a.jpg")).bytes == FetchingTests.bytes)
    #expect(store.requests.count == 7)
  }

  @Test func waitsBeyondTheImagesTimeAreNotBegun() async throws {
    let server = try server([.busy(seconds: 3600)])
    let start = ContinuousClock.now
    let message = await expectRejection(.imageUnreachable) {
      try await loader(server).fetch(.uri(server.url("/a.jpg")))
    }
    #expect(message.contains("503") && server.requests.count == 1)
    #expect(ContinuousClock.now - start < .seconds(30))
  }

  @Test func cancellingEndsAWait() async throws {
    let server = try server([.busy(seconds: 20)])
    let loader = try loader(server)
    let fetch = Task { try await loader.fetch(.uri(server.url("/a.jpg"))) }
    await server.nextRequest()
    fetch.cancel()
    await #expect(throws: CancellationError.self) { try await fetch.value }
  }
}
