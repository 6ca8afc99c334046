import Adversary
import Foundation
import Testing

extension EndToEnd {
  /// `focus worker`, `submit` and `collect` on an independent broker.
  @Suite(.timeLimit(.minutes(3))) struct WorkerTests {
    @Test func workersOfAGroupDivideTheJobsAndAnswerEachOnce() async throws {
      let kafka = try await KafkaFolder(jobs: 80)
      let workers = try ["one", "two"].map { try kafka.worker($0) }
      let collection = try await kafka.collector().end()
      #expect(collection.status == 0, "\(collection.errors)")
      let published = try await kafka.published()
      #expect(published.questions == kafka.questions)
      #expect(!published.hasRepeats)
      for worker in workers { worker.send(SIGTERM) }
      for worker in workers {
        let ending = await worker.end()
        #expect(ending.status == 0, "\(ending.errors)")
      }
    }

    /// Killed while it answers, between producing and committing, with the commit on its way, after a save: what was
    /// committed stays, and the next worker answers the rest, once. It has the dead one's name, as a restarted one
    /// would: this broker ends no transaction for its age. Nor does it hide an aborted one's records, so only where surely
    /// none was open can a reader here see that nothing was published twice.
    @Test(arguments: [
      "answer=kill@9", "transaction.produced=kill@3", "transaction.complete=kill@3",
      "transaction.committed=kill@3", "cache.saved=kill@2",
    ])
    func aWorkerThatDiesLosesNothingAndRepeatsNothing(failpoint: String) async throws {
      let kafka = try await KafkaFolder(jobs: 60)
      let first = try kafka.worker("one", failpoints: failpoint)
      #expect(await first.end().signal == SIGKILL, "\(first.said)")
      let second = try kafka.worker("one")
      let collection = try await kafka.collector().end()
      #expect(collection.status == 0, "\(collection.errors)")
      let published = try await kafka.published()
      #expect(published.questions == kafka.questions)
      if failpoint.hasPrefix("transaction.committed") { #expect(!published.hasRepeats) }
      if failpoint.hasPrefix("cache.saved") {
        // Two of the four images were stored; at most one of these had its answer published before.
        let encoding = try kafka.folder.results("out.jsonl").filter { $0.tokenCache == "miss" }.map(\.jobId)
        #expect(Set(encoding).count <= 3, "\(encoding)")
      }
      second.send(SIGTERM)
      #expect(await second.end().status == 0)
    }

    @Test func sigtermFinishesWhatIsInFlightAndLeavesTheRest() async throws {
      let kafka = try await KafkaFolder(jobs: 200)
      let first = try kafka.worker("one")
      let collection = try kafka.collector()
      #expect(await first.send(SIGTERM) { _ in kafka.folder.lineCount("out.jsonl") >= 20 })
      let ending = await first.end()
      #expect(ending.status == 0, "\(ending.errors)")
      #expect(try await kafka.published().questions.count < kafka.questions.count)
      let second = try kafka.worker("two")
      #expect(await collection.end().status == 0)
      let published = try await kafka.published()
      #expect(published.questions == kafka.questions)
      #expect(!published.hasRepeats)
      second.send(SIGTERM)
      #expect(await second.end().status == 0)
    }
  }
}
