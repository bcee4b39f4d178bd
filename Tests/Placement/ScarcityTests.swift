import ClusterModel
import Placement
import PlannerCases
import Testing

@Suite("Where room is scarce")
struct ScarcityTests {
  private static let mib = 1024

  /// Hosts whose holes are the sums of the machines that were taken from them.
  private func puzzle(_ holes: [[Int]], cpus: Int = 64) -> Problem {
    let sizes = holes.flatMap { $0 }.sorted()
    let total = sizes.reduce(0, +) * Self.mib
    let hosts =
      [Problem.Host(memory: total, cpus: 1000)]
      + holes.map { Problem.Host(memory: $0.reduce(0, +) * Self.mib, cpus: cpus) }
    return Problem(
      hosts: hosts, vms: sizes.map { Problem.VM(memory: $0 * Self.mib, vcpus: 1, host: 0) },
      task: .evacuate(
        Problem.Evacuation(
          moving: Array(sizes.indices), destinations: Array(1...holes.count), mode: .auto, overbooking: false)))
  }

  @Test(
    "holes are filled to the last byte",
    arguments: [
      [[7], [5, 6], [9, 10, 4]], [[600, 601], [599, 602], [1201], [300, 301, 600]],
      [[1033, 2011], [977, 3001], [1511, 1523], [4001], [701, 709, 719]],
      [[2003, 1009, 503], [1999, 1013, 499], [2011, 997, 509]],
    ])
  func exact(holes: [[Int]]) {
    let problem = puzzle(holes)
    let solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 5))
    #expect(solution.unplaced.isEmpty)
    #expect(PlanJudge(solution, problem).violations == [])
  }

  @Test("a hundred machines share what fifty holes leave over, a part of a thousand", arguments: ["l", "o"])
  func nearlyExact(salt: String) throws {
    let entry = try #require(CaseFamilies(salt: salt).entries.first { $0.name == "perfect-l-auto" })
    let problem = entry.make().problem
    let solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 3))
    #expect(solution.placements.count > 100)
    #expect(solution.unplaced.isEmpty)
    #expect(PlanJudge(solution, problem).violations == [])
  }

  @Test("of many hosts the two that have room together are found, whatever their place in the list")
  func pairs() {
    let gib = RandomClusters.gib
    // No one host and no other two do: 8 machines of 4 GiB and 2 CPUs.
    var hosts = [Problem.Host(memory: 64 * gib, cpus: 32)]
    for number in 0..<40 {
      let isMemory = number % 2 == 0
      hosts.append(Problem.Host(memory: (isMemory ? 30 : 12) * gib, cpus: isMemory ? 6 : 12))
    }
    hosts[17] = Problem.Host(memory: 16 * gib, cpus: 8)
    hosts[31] = Problem.Host(memory: 16 * gib, cpus: 8)
    let problem = Problem(
      hosts: hosts, vms: (0..<8).map { _ in Problem.VM(memory: 4 * gib, vcpus: 2, host: 0) },
      task: .evacuate(
        Problem.Evacuation(
          moving: Array(0..<8), destinations: Array(1...40), mode: .compact, overbooking: false)))
    let solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 5))
    #expect(Set(solution.placements.map(\.destination)) == [17, 31])
  }

  @Test("memory and CPUs that are scarce on the same hosts run out together")
  func bothScarce() {
    let gib = RandomClusters.gib
    // Each host takes one of each kind and nothing else of use.
    let kinds = [(6, 1), (1, 6)]
    let vms = (0..<16).map { Problem.VM(memory: kinds[$0 % 2].0 * gib, vcpus: kinds[$0 % 2].1, host: 0) }
    let hosts =
      [Problem.Host(memory: 64 * gib, cpus: 64)]
      + [Problem.Host](repeating: Problem.Host(memory: 7 * gib, cpus: 7), count: 8)
    for mode in PlacementMode.allCases {
      let problem = Problem(
        hosts: hosts, vms: vms,
        task: .evacuate(
          Problem.Evacuation(moving: Array(0..<16), destinations: Array(1...8), mode: mode, overbooking: false)))
      #expect(PlacementEngine.solve(problem, budget: Budget(milliseconds: 2)).unplaced.isEmpty, "\(mode)")
    }
  }
}
