import Adversary
import Foundation
import KafkaCluster
import Testing

extension EndToEnd {
  @Suite(.timeLimit(.minutes(2))) struct SubmitTests {
    private func folder(jobs: Int) throws -> TemporaryFolder {
      let folder = try TemporaryFolder()
      try folder.write((1...jobs).map { jobLine("job-\($0)") }, to: "jobs.jsonl")
      return folder
    }

    private func submit(
      _ folder: TemporaryFolder, to cluster: MockCluster, _ arguments: [String] = []
    ) async throws -> FocusRun.Ending {
      try await FocusRun(
        ["submit", folder.path("jobs.jsonl"), "--brokers", cluster.brokers] + arguments, in: folder
      ).end()
    }

    /// Nothing is lost, and no other line has to be counted by hand.
    @Test func whereTheBrokersGoAwayItSaysWhatToGoOnFrom() async throws {
      let folder = try folder(jobs: 5)
      let cluster = try MockCluster()
      cluster.takeDown()
      let broken = try await submit(folder, to: cluster, ["--kafka-property", "message.timeout.ms=1500"])
      #expect(broken.status == 3, "\(broken)")
      #expect(broken.errors.contains("jobs.jsonl:1 is the first job that did not reach focus.jobs"))
      #expect(broken.errors.contains("0 jobs did") && broken.errors.contains("--from-line 1"))

      cluster.bringUp()
      let ending = try await submit(folder, to: cluster, ["--from-line", "3"])
      #expect(ending.status == 0 && ending.errors.contains("submitted 3 jobs with 3 questions"), "\(ending)")
    }

    @Test func noLineComesBeforeTheFirst() async throws {
      let ending = try await submit(folder(jobs: 1), to: MockCluster(), ["--from-line", "0"])
      #expect(ending.status == 2 && ending.errors.contains("--from-line must be at least 1"), "\(ending)")
    }
  }
}
