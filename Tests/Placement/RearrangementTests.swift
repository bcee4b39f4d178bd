import Placement
import PlannerCases
import Testing

@Suite("Rearrangements of full hosts")
struct RearrangementTests {
  @Test("cycles are carried out with suspends, bounces, or both", arguments: [(true, 0), (false, 16), (true, 8)])
  func cycles(hasStorage: Bool, spareGiB: Int) {
    for seed in 0..<25 {
      var clusters = RandomClusters(seed: 5000 + seed)
      let problem = clusters.cycles(
        storage: hasStorage ? 500_000_000 : 0, spare: spareGiB * RandomClusters.gib)
      let solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 1))
      #expect(PlanJudge(solution, problem).violations == [], "seed \(seed)")
      #expect(solution.unplaced.isEmpty, "seed \(seed)")
    }
  }

  @Test(
    "machines of several sizes: one is lifted of each group, where an order exists that needs no other",
    arguments: [("mixcycle-m", "49"), ("mixbounce-m", "7"), ("mixbounce-m", "22")])
  func severalSizes(family: String, salt: String) throws {
    let planned = try #require(CaseFamilies(salt: salt).entries.first { $0.name == family }).make()
    let judge = PlanJudge(PlacementEngine.solve(planned.problem, budget: Budget(milliseconds: 1)), planned.problem)
    #expect(judge.violations == [])
    #expect(judge.extraMoves + judge.suspends == CaseBounds(planned.problem).lifts)
  }

  @Test("random wishes leave nobody in storage, whatever cannot be done")
  func randomWishes() {
    for seed in 0..<60 {
      var clusters = RandomClusters(seed: 6000 + seed)
      var problem = clusters.cycles(storage: seed % 2 * 500_000_000, spare: seed % 3 * 4 * RandomClusters.gib)
      let hostCount = problem.hosts.count
      problem.task = .rearrange(
        problem.vms.indices.filter { _ in clusters.below(2) == 0 }.map { ($0, clusters.below(hostCount)) })
      let solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 1))
      #expect(PlanJudge(solution, problem).violations == [], "seed \(seed)")
      for vm in solution.unplaced {
        let last = solution.steps.last { $0.vm == vm }
        #expect(last == nil || last?.destination == problem.vms[vm].host, "seed \(seed), machine \(vm)")
      }
    }
  }

  @Test("a swap of two full hosts costs one suspend, of the first machine that blocks")
  func swap() {
    let size = 4 * RandomClusters.gib
    let problem = Problem(
      hosts: [Problem.Host(memory: size, cpus: 4), Problem.Host(memory: size, cpus: 4)],
      vms: [Problem.VM(memory: size, vcpus: 1, host: 0), Problem.VM(memory: size, vcpus: 1, host: 1)],
      task: .rearrange([(0, 1), (1, 0)]), storage: 500_000_000)
    let solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 1))
    #expect(solution.steps.map(\.kind) == [.suspend, .migrate, .restore])
    #expect(PlanJudge(solution, problem).violations == [])
  }

  @Test("without storage and room the machines that block each other are named, and stay")
  func impossible() {
    let size = 4 * RandomClusters.gib
    let problem = Problem(
      hosts: [Problem.Host(memory: size, cpus: 4), Problem.Host(memory: size, cpus: 4)],
      vms: [Problem.VM(memory: size, vcpus: 1, host: 0), Problem.VM(memory: size, vcpus: 1, host: 1)],
      task: .rearrange([(0, 1), (1, 0)]))
    let solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 1))
    #expect(solution.steps.isEmpty)
    #expect(solution.unplaced.sorted() == [0, 1])
  }

  @Test("a free place at the end of a chain needs no suspend")
  func chain() {
    let size = 4 * RandomClusters.gib
    let hosts = (0..<5).map { Problem.Host(memory: $0 == 4 ? 2 * size : size, cpus: 4) }
    let vms = (0..<5).map { Problem.VM(memory: size, vcpus: 1, host: $0) }
    let problem = Problem(
      hosts: hosts, vms: vms, task: .rearrange((0..<4).map { ($0, $0 + 1) }), storage: 500_000_000)
    let solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 1))
    #expect(solution.steps.map(\.vm) == [3, 2, 1, 0])
    #expect(solution.steps.allSatisfy { $0.kind == .migrate })
    #expect(PlanJudge(solution, problem).violations == [])
  }

  @Test("no more machines are suspended at a time than allowed, and as many moves are made", arguments: [1, 2, 3])
  func maxSuspended(limit: Int) {
    for seed in 0..<12 {
      var clusters = RandomClusters(seed: 7000 + seed)
      var problem = clusters.swaps(count: 6)
      let free = PlacementEngine.solve(problem, budget: Budget(milliseconds: 1))
      #expect(PlanJudge(free, problem).mostSuspended == 6, "seed \(seed)")
      problem.maxSuspended = limit
      let solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 1))
      #expect(PlanJudge(solution, problem).violations == [], "seed \(seed)")
      #expect(PlanJudge(solution, problem).mostSuspended == limit, "seed \(seed)")
      #expect(solution.unplaced.isEmpty && solution.steps.count == free.steps.count, "seed \(seed)")
      #expect(solution.makespan >= free.makespan, "seed \(seed)")
    }
  }

  @Test("random cycles keep the limit too; what cannot be done within it stays", arguments: [0, 1, 2])
  func maxSuspendedInCycles(limit: Int) {
    for seed in 0..<40 {
      var clusters = RandomClusters(seed: 8000 + seed)
      var problem = clusters.cycles(storage: 500_000_000, spare: seed % 2 * 4 * RandomClusters.gib)
      problem.maxSuspended = limit
      let solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 1))
      #expect(PlanJudge(solution, problem).violations == [], "seed \(seed)")
      #expect(PlanJudge(solution, problem).mostSuspended <= limit, "seed \(seed)")
    }
  }
}
