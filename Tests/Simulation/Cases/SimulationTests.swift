import Simulation
import Testing

@Suite("Simulated histories")
struct SimulationTests {
  @Test("of small clusters break no promise, whatever goes wrong", arguments: 0..<4 as Range<UInt64>)
  func smallClusters(round: UInt64) {
    var campaign = Campaign()
    for seed in round * 25 + 1...round * 25 + 25 { campaign.run(seed) }
    #expect(campaign.failures.isEmpty, "\(campaign.failures.first?.description ?? "")")
    #expect(campaign.faults > 100, "too little goes wrong")
  }

  @Test("of a cluster of a thousand hosts break no promise")
  func largeCluster() {
    var campaign = Campaign()
    campaign.run(1, size: .large(1000))
    #expect(campaign.failures.isEmpty, "\(campaign.failures.first?.description ?? "")")
  }

  @Test("are the same for the same seed")
  func isRepeatable() {
    var first = World(seed: 7, keepsHistory: true)
    var second = World(seed: 7, keepsHistory: true)
    first.run()
    second.run()
    #expect(first.history == second.history && first.history.count > 50)
  }

  @Test("show a rule that is broken on purpose", arguments: Sabotage.allCases)
  func sabotage(_ sabotage: Sabotage) {
    let found = (1...300).lazy.compactMap { seed -> BrokenPromise? in
      var world = World(seed: UInt64(seed), sabotage: sabotage)
      world.run()
      return world.broken
    }.first { $0.promise == sabotage.promise }
    #expect(found != nil, "no history shows it")
  }

  @Test("that break a promise are told with the faults that are needed, and how to run them again")
  func reduction() throws {
    var campaign = Campaign()
    for seed in 1...60 where campaign.failures.isEmpty { campaign.run(UInt64(seed), sabotage: .losesMachines) }
    let failure = try #require(campaign.failures.first)
    #expect(failure.faults.count <= 3, "\(failure.faults)")
    #expect(failure.description.hasSuffix("make simulate FIRST_SEED=\(failure.seed) SEEDS=1"))
    #expect(failure.history.contains { $0.contains("BROKEN") })
  }
}
