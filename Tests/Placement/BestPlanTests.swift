import ClusterModel
import Placement
import PlannerCases
import Testing

/// What a plan makes small, compared with the least there is, in clusters that are small enough to know it.
///
/// The budget is a hundredth of the usual one, for the sake of unoptimised builds: here and there it is too small for the
/// best plan. Promises hold with any budget.
@Suite("In nearly all small random clusters no plan is better")
struct BestPlanTests {
  static let budget = Budget(steps: 100_000)

  /// A cluster without NUMA cells and racks, which the search for the least does not know.
  private func problem(_ seed: Int, _ mode: PlacementMode, overbooking: Bool) -> Problem {
    var clusters = RandomClusters(seed: seed)
    var problem = clusters.evacuation(mode, overbooking: overbooking)
    problem.cells = []
    problem.groups.removeAll { $0.isByRack }
    for host in problem.hosts.indices { problem.hosts[host].cellCount = 0 }
    for vm in problem.vms.indices { problem.vms[vm].isInOneCell = false }
    return problem
  }

  private func least(_ problem: Problem, _ judge: PlanJudge, _ mode: PlacementMode) -> SmallOptimum.Value? {
    SmallOptimum.value(
      of: problem,
      atMost: SmallOptimum.Value(
        unplaced: judge.unplaced, overbooked: judge.overbooked, hosts: mode == .compact ? judge.receivingHosts : 0,
        share: mode == .compact ? 0 : judge.highestShare),
      steps: 20_000)
  }

  @Test("leaves fewer behind, nor makes the fullest host less full", arguments: [false, true])
  func auto(overbooking: Bool) {
    var known = 0
    var missed = 0
    for seed in 0..<30 {
      let problem = problem(10_000 + seed, .auto, overbooking: overbooking)
      let judge = PlanJudge(PlacementEngine.solve(problem, budget: Self.budget), problem)
      #expect(judge.violations == [], "seed \(seed)")
      guard let least = least(problem, judge, .auto) else { continue }
      known += 1
      #expect(judge.unplaced <= least.unplaced + 1, "seed \(seed)")
      let isBest =
        judge.unplaced == least.unplaced && judge.overbooked == least.overbooked
        && judge.highestShare <= least.share * 1.02
      if !isBest { missed += 1 }
    }
    #expect(known > 8)
    #expect(missed * 5 <= known, "\(missed) of \(known)")
  }

  @Test("takes fewer hosts")
  func compact() {
    var known = 0
    var missed = 0
    for seed in 0..<30 {
      let problem = problem(11_000 + seed, .compact, overbooking: false)
      let judge = PlanJudge(PlacementEngine.solve(problem, budget: Self.budget), problem)
      #expect(judge.violations == [], "seed \(seed)")
      guard let least = least(problem, judge, .compact) else { continue }
      known += 1
      #expect(judge.unplaced <= least.unplaced + 1, "seed \(seed)")
      if judge.unplaced != least.unplaced || judge.receivingHosts != least.hosts { missed += 1 }
    }
    #expect(known > 8)
    #expect(missed * 5 <= known, "\(missed) of \(known)")
  }

  @Test("leaves fewer behind when others may move, nor moves more of them than needed")
  func movingOthers() {
    for seed in 0..<20 {
      var clusters = RandomClusters(seed: 12_000 + seed)
      var again = clusters
      let alone = clusters.evacuation(.auto, overbooking: false)
      let together = again.evacuation(.auto, overbooking: false, movesOthers: true)
      let without = PlanJudge(PlacementEngine.solve(alone, budget: Self.budget), alone)
      let with = PlanJudge(PlacementEngine.solve(together, budget: Self.budget), together)
      #expect(with.unplaced <= without.unplaced, "seed \(seed)")
      if with.unplaced == without.unplaced { #expect(with.extraMoves == 0, "seed \(seed)") }
    }
  }

  @Test("more capacity never leaves more behind", arguments: PlacementMode.allCases)
  func moreCapacity(mode: PlacementMode) {
    for seed in 0..<20 {
      let small = problem(13_000 + seed, mode, overbooking: false)
      var large = small
      for host in large.hosts.indices {
        large.hosts[host].memory += seed % 3 * RandomClusters.gib
        large.hosts[host].cpus += seed % 4
      }
      let before = PlacementEngine.solve(small, budget: Self.budget).unplaced.count
      #expect(PlacementEngine.solve(large, budget: Self.budget).unplaced.count <= before, "seed \(seed)")
    }
  }

  @Test("CPUs are overbooked only where somebody has no place otherwise, and never beyond the limit")
  func overbooking() {
    for seed in 0..<30 {
      var problem = problem(14_000 + seed, .auto, overbooking: true)
      guard case .evacuate(var evacuation) = problem.task else { continue }
      evacuation.overbooking = false
      problem.task = .evacuate(evacuation)
      let without = PlacementEngine.solve(problem, budget: Self.budget)
      evacuation.overbooking = true
      evacuation.cpuRatio = 1.5
      problem.task = .evacuate(evacuation)
      let solution = PlacementEngine.solve(problem, budget: Self.budget)
      let judge = PlanJudge(solution, problem)
      #expect(judge.violations == [], "seed \(seed)")
      if without.unplaced.isEmpty { #expect(judge.overbooked == 0, "seed \(seed)") }
      #expect(solution.unplaced.count <= without.unplaced.count, "seed \(seed)")
    }
  }

  @Test("who has no place fits nowhere beside the plan, and is told what is missing where it comes closest")
  func reasons() {
    for seed in 0..<30 {
      let problem = problem(15_000 + seed, .auto, overbooking: false)
      guard case .evacuate(let evacuation) = problem.task else { continue }
      let solution = PlacementEngine.solve(problem, budget: Self.budget)
      let loads = FinalLoads(solution, problem)
      for vm in solution.unplaced {
        let machine = problem.vms[vm]
        switch loads.obstacle(to: vm) {
        case .noDestination: #expect(evacuation.destinations.isEmpty)
        case .requirement: #expect(machine.requirement > 0, "seed \(seed)")
        case .memory(let host, let free):
          #expect(free < machine.memory && free == loads.freeMemory[host], "seed \(seed)")
        case .vcpus(let host, let free):
          #expect(free < machine.vcpus && loads.freeMemory[host] >= machine.memory, "seed \(seed)")
        case .constraint: #expect(!problem.groups.isEmpty, "seed \(seed)")
        }
      }
    }
  }
}
