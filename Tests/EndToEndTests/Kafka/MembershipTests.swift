import Adversary
import Foundation
import KafkaCluster
import Testing

extension EndToEnd {
  /// Workers that come and go, as processes with a newer librdkafka: Debian's may fail an assertion where one leaves in
  /// the middle of a rebalance.
  @Suite(.timeLimit(.minutes(3))) struct MembershipTests {
    @Test func thirtyJoinsAndLeavesUnderLoadLoseNothing() async throws {
      let (folder, cluster) = (try TemporaryFolder(), try MockCluster())
      let (rounds, guests, jobsEach) = (3, 5, 2000)
      async let found = cluster.results(of: rounds * jobsEach)
      let host = try worker("host", cluster, folder)
      #expect(await host.happens { $0.said.contains("assigned focus.jobs [") })
      for round in 0..<rounds {
        try await cluster.submit(round * jobsEach..<(round + 1) * jobsEach)
        let guests = try (0..<guests).map { try worker("guest \($0)", cluster, folder) }
        for guest in guests {
          // Some get an empty hand: there are more workers than partitions.
          #expect(await guest.happens { $0.said.contains("assigned focus.jobs [") })
        }
        for guest in guests { guest.send(SIGTERM) }
        for guest in guests {
          let ending = await guest.end()
          #expect(ending.status == 0, "\(ending.errors)")
        }
      }
      #expect(try await found.count == rounds * jobsEach * 2)
      host.send(SIGTERM)
      #expect(await host.end().status == 0)
    }

    private func worker(_ name: String, _ cluster: MockCluster, _ folder: TemporaryFolder) throws -> FocusRun
    {
      try FocusRun(
        [cluster.brokers, name, "at-least-once"], of: "StubWorker", in: folder,
        variables: try TansuBroker.variables)
    }
  }
}
