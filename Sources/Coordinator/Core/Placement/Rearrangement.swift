/// Carries out a wanted mapping with little memory to spare.
struct Rearrangement {
  private let problem: Problem
  private let mapping: [(vm: Int, destination: Int)]

  init(_ problem: Problem, _ mapping: [(vm: Int, destination: Int)]) {
    self.problem = problem
    self.mapping = mapping
  }

  func solve() -> Solution {
    let jobs = mapping.compactMap { entry -> Scheduler.Job? in
      let source = problem.vms[entry.vm].host
      guard source != entry.destination else { return nil }
      return Scheduler.Job(
        vm: entry.vm, source: source, destination: entry.destination,
        duration: problem.migrationTime(of: entry.vm, from: source, to: entry.destination))
    }
    return Solution(
      placements: mapping.map { Solution.Placement(vm: $0.vm, destination: $0.destination) },
      steps: Scheduler(problem, jobs).steps(attempts: 6))
  }
}
