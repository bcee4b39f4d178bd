import Testing

/// A worker to which everything happens that can, in any order.
@Suite("A worker in a storm")
struct WorkerWalkTests {
  @Test("answers each task once, keeps each machine's order and its limits, and forgets nothing", arguments: 0..<20)
  func randomWalk(round: UInt64) {
    for seed in round * 1000..<round * 1000 + 25 {
      var storm = WorkerStorm(seed: seed)
      while storm.problem == nil, storm.step() {}
      #expect(
        storm.problem == nil, "seed \(seed): \(storm.problem ?? "")\n\(storm.log.suffix(40).joined(separator: "\n"))")
    }
  }
}
