import Placement
import PlannerCases
import Testing

@Suite("Cases of every family")
struct CaseFamilyTests {
  static let entries = CaseFamilies(salt: "test").entries.filter { $0.size == .small || $0.size == .middle }

  @Test("are planned without breaking a promise, and nobody is left behind where a plan for all is known")
  func planned() {
    for entry in Self.entries {
      let planned = entry.make()
      #expect(planned.name.hasPrefix(entry.name))
      let solution = PlacementEngine.solve(planned.problem, budget: Budget(steps: 100_000))
      let judge = PlanJudge(solution, planned.problem)
      #expect(judge.violations == [], "\(entry.name)")
      if planned.isFeasible { #expect(judge.unplaced == 0, "\(entry.name)") }
      if case .evacuate(let evacuation) = planned.problem.task, judge.unplaced == 0, !evacuation.movesOthers {
        let bounds = CaseBounds(planned.problem)
        #expect(judge.highestShare >= bounds.share - 1e-9, "\(entry.name)")
        #expect(judge.imbalance >= bounds.imbalance, "\(entry.name)")
      }
      let least = (planned.leastExtraMoves ?? 0) + CaseBounds(planned.problem).lifts
      #expect(judge.extraMoves + judge.suspends >= least, "\(entry.name)")
      // Of mixed sizes some parts need more than the bound.
      if !entry.name.hasPrefix("mix") { #expect(judge.extraMoves + judge.suspends == least, "\(entry.name)") }
    }
  }

  @Test("of a hundred moves and more end when the busiest host must")
  func makespan() throws {
    // Its sources have as much to send as each other, and no slot may ever be idle.
    let entry = try #require(CaseFamilies(salt: "d").entries.first { $0.name == "tight2d-l-auto" })
    let problem = entry.make().problem
    let judge = PlanJudge(PlacementEngine.solve(problem, budget: Budget(milliseconds: 1)), problem)
    #expect(judge.violations == [])
    #expect(judge.makespan <= judge.makespanBound * 1.005)
  }

  @Test("are the same for the same salt, and others for another")
  func repeatable() {
    let again = CaseFamilies(salt: "test").entries.filter { $0.size == .small || $0.size == .middle }
    let others = CaseFamilies(salt: "other").entries.filter { $0.size == .small || $0.size == .middle }
    var differing = 0
    for (entry, other) in zip(Self.entries, others) {
      let machines = entry.make().problem.vms.map { [$0.memory, $0.vcpus, $0.host] }
      #expect(
        again.first { $0.name == entry.name }?.make().problem.vms.map { [$0.memory, $0.vcpus, $0.host] } == machines)
      if other.make().problem.vms.map({ [$0.memory, $0.vcpus, $0.host] }) != machines { differing += 1 }
    }
    // Two hosts in a chain are two hosts in a chain.
    #expect(differing > Self.entries.count * 3 / 4)
  }
}
