import ClusterModel
import Placement
import PlannerCases
import Testing

@Suite("Evacuations keep every promise in random clusters")
struct EvacuationPromiseTests {
  static let budget = Budget(steps: 60_000)

  @Test("whatever the mode, with and without overbooking", arguments: PlacementMode.allCases, [false, true])
  func promises(mode: PlacementMode, overbooking: Bool) {
    for seed in 0..<25 {
      var clusters = RandomClusters(seed: seed)
      let problem = clusters.evacuation(mode, overbooking: overbooking)
      let solution = PlacementEngine.solve(problem, budget: Self.budget)
      #expect(PlanJudge(solution, problem).violations == [], "seed \(seed)")
    }
  }

  @Test("when other machines may make room")
  func movingOthers() {
    for seed in 0..<25 {
      var clusters = RandomClusters(seed: 1000 + seed)
      let problem = clusters.evacuation(.auto, overbooking: false, movesOthers: true)
      let solution = PlacementEngine.solve(problem, budget: Self.budget)
      #expect(PlanJudge(solution, problem).violations == [], "seed \(seed)")
    }
  }

  @Test("the same input gives the same plan", arguments: PlacementMode.allCases)
  func repeatable(mode: PlacementMode) {
    for seed in 0..<20 {
      var clusters = RandomClusters(seed: 2000 + seed)
      let problem = clusters.evacuation(mode, overbooking: true)
      let first = PlacementEngine.solve(problem, budget: Self.budget)
      #expect(first == PlacementEngine.solve(problem, budget: Self.budget), "seed \(seed)")
    }
  }

  @Test("overbooking leaves nobody behind who would have had a place without it")
  func overbookingHelps() {
    for seed in 0..<40 {
      var strict = RandomClusters(seed: 3000 + seed)
      var relaxed = strict
      let without = PlacementEngine.solve(strict.evacuation(.auto, overbooking: false), budget: Self.budget)
      let with = PlacementEngine.solve(relaxed.evacuation(.auto, overbooking: true), budget: Self.budget)
      #expect(with.unplaced.count <= without.unplaced.count, "seed \(seed)")
    }
  }

  @Test("an empty host of plenty takes everybody without constraints")
  func moreCapacity() throws {
    for seed in 0..<40 {
      var clusters = RandomClusters(seed: 4000 + seed)
      var problem = clusters.evacuation(.auto, overbooking: false)
      guard case .evacuate(var evacuation) = problem.task else { continue }
      problem.groups = []
      problem.cells = []
      for host in problem.hosts.indices { problem.hosts[host].cellCount = 0 }
      for vm in problem.vms.indices {
        problem.vms[vm].requirement = 0
        problem.vms[vm].isInOneCell = false
      }
      problem.hosts.append(Problem.Host(memory: 1 << 40, cpus: 10_000))
      problem.allowed = [Bool](repeating: true, count: problem.hosts.count)
      evacuation.destinations.append(problem.hosts.count - 1)
      problem.task = .evacuate(evacuation)
      #expect(PlacementEngine.solve(problem, budget: Self.budget).unplaced.isEmpty, "seed \(seed)")
    }
  }
}
