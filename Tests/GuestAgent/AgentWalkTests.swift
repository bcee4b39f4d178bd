import Testing

/// An agent to which everything happens that can, in any order.
@Suite("A guest agent in a storm")
struct AgentWalkTests {
  @Test("toggles no process twice for one wish, loses no state, and answers what it was asked", arguments: 0..<20)
  func randomWalk(round: UInt64) {
    for seed in round * 1000..<round * 1000 + 25 {
      var storm = AgentStorm(seed: seed)
      while storm.problem == nil, storm.step() {}
      #expect(
        storm.problem == nil, "seed \(seed): \(storm.problem ?? "")\n\(storm.log.suffix(40).joined(separator: "\n"))")
    }
  }
}
