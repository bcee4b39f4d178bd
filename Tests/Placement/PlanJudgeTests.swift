import ClusterModel
import Placement
import PlannerCases
import Testing

@Suite("The judge of plans")
struct PlanJudgeTests {
  private static let size = 4 * RandomClusters.gib

  /// Two machines on host 0 and room for one on each of the others; host 2 lacks a label.
  private var problem: Problem {
    Problem(
      hosts: [
        Problem.Host(memory: 2 * Self.size, cpus: 4), Problem.Host(memory: Self.size, cpus: 2, inbound: 1),
        Problem.Host(memory: Self.size, cpus: 2, inbound: 1),
      ],
      vms: [Problem.VM(memory: Self.size, vcpus: 2, host: 0), Problem.VM(memory: Self.size, vcpus: 2, host: 0)],
      allowed: [true, true, true, true, true, false],
      task: .evacuate(Problem.Evacuation(moving: [0, 1], destinations: [1, 2], mode: .auto, overbooking: false)))
  }

  private func judge(_ change: (inout Problem, inout Solution) -> Void) -> [String] {
    var problem = problem
    var solution = PlacementEngine.solve(problem, budget: Budget(milliseconds: 1))
    change(&problem, &solution)
    return PlanJudge(solution, problem).violations
  }

  @Test("finds nothing wrong with a plan that is right, and measures it")
  func right() {
    #expect(judge { _, _ in } == [])
    let judge = PlanJudge(PlacementEngine.solve(problem, budget: Budget(milliseconds: 1)), problem)
    #expect(judge.receivingHosts == 2)
    #expect(judge.highestShare == 1)
    #expect(judge.makespan >= judge.makespanBound)
    #expect(judge.extraMoves == 0)
  }

  @Test("finds what is wrong")
  func wrong() {
    func finds(_ words: String, _ change: (inout Problem, inout Solution) -> Void) {
      let found = judge(change)
      #expect(found.contains { $0.contains(words) }, "\(words): \(found)")
    }
    finds("memory of host 1 is overbooked") { _, solution in
      for index in 0..<2 { solution.placements[index].destination = 1 }
    }
    finds("CPUs of host 1 are overbooked") { problem, _ in problem.hosts[1].cpus = 1 }
    finds("lacks a label") { problem, _ in for vm in 0..<2 { problem.vms[vm].requirement = 1 } }
    finds("are together") { problem, _ in
      problem.hosts[1].rack = 7
      problem.hosts[2].rack = 7
      problem.groups = [Problem.Group(isByRack: true, vms: [0, 1])]
    }
    finds("neither placed nor named") { _, solution in
      solution.placements.removeLast()
      solution.steps.removeLast()
    }
    finds("goes to no destination") { problem, _ in
      problem.task = .evacuate(
        Problem.Evacuation(moving: [0, 1], destinations: [1], mode: .auto, overbooking: false))
    }
    finds("is too short") { _, solution in solution.steps[0].end -= 1_000_000 }
    finds("too many leave host 0") { problem, _ in problem.hosts[0].outbound = 1 }
    finds("begins where its machine is not") { _, solution in solution.steps[0].source = 2 }
    finds("does not end where the plan says") { _, solution in solution.steps.removeLast() }
    finds("no memory on host") { problem, _ in problem.hosts[1].memory -= 1 }
    finds("begins too early") { _, solution in solution.steps[1].after = 0 }
  }
}
