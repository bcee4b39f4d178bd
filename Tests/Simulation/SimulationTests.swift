import Foundation
import Simulation
import Testing

/// A history computes for a while: on threads of its own, so that tests that wait for something are not kept waiting.
private func computing<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread { continuation.resume(returning: body()) }
  }
}

@Suite("Simulated histories", .serialized)
struct SimulationTests {
  @Test("of small clusters break no promise, whatever goes wrong")
  func smallClusters() async {
    let campaign = await computing {
      var campaign = Campaign()
      for seed: UInt64 in 1...100 { campaign.run(seed) }
      return campaign
    }
    #expect(campaign.failures.isEmpty, "\(campaign.failures.first?.description ?? "")")
    #expect(campaign.faults > 500, "too little goes wrong")
  }

  @Test("of a cluster of a thousand hosts break no promise")
  func largeCluster() async {
    let campaign = await computing {
      var campaign = Campaign()
      campaign.run(1, size: World.Size(hosts: 1000))
      return campaign
    }
    #expect(campaign.failures.isEmpty, "\(campaign.failures.first?.description ?? "")")
  }

  @Test("are the same for the same seed")
  func isRepeatable() async {
    let histories = await computing {
      (0..<2).map { _ in
        var world = World(seed: 7, keepsHistory: true)
        world.run()
        return world.history
      }
    }
    #expect(histories[0] == histories[1] && histories[0].count > 50)
  }

  @Test("show a rule that is broken on purpose", arguments: Sabotage.allCases)
  func sabotage(_ sabotage: Sabotage) async {
    let isFound = await computing {
      (1...500 as ClosedRange<UInt64>).contains { seed in
        var world = World(seed: seed, sabotage: sabotage)
        world.run()
        return world.broken?.promise == sabotage.promise
      }
    }
    #expect(isFound, "no history shows it")
  }

  @Test("that break a promise are told with few faults, and how to run them again")
  func reduction() async throws {
    let failures = await computing {
      var campaign = Campaign()
      for seed: UInt64 in 1...60 where campaign.failures.isEmpty { campaign.run(seed, sabotage: .losesMachines) }
      return campaign.failures
    }
    let failure = try #require(failures.first)
    #expect(failure.faults.count <= 3, "\(failure.faults)")
    #expect(failure.description.hasSuffix("migfra simulate --first \(failure.seed) --seeds 1 --sabotage losesMachines"))
    #expect(failure.history.contains { $0.contains("BROKEN") })
  }
}
