public import ClusterModel
public import Placement

/// A plan from a file as people compare plans: hosts before and after, and its score.
public struct PlanSummary: Sendable {
  /// The hosts that the plan changes, in the case's order.
  public private(set) var loads: [Plan.HostLoad] = []
  public private(set) var score: Plan.Score

  public init(_ solution: Solution, of planningCase: PlanningCase) {
    let problem = planningCase.problem
    var loads = problem.hosts.indices.map { host in
      Plan.HostLoad(
        host: HostName(rawValue: planningCase.hostNames[host]),
        capacity: HostCapacity(memoryKiB: problem.hosts[host].memory, cpus: problem.hosts[host].cpus),
        vmsBefore: 0, vmsAfter: 0, memoryKiBBefore: problem.hosts[host].reservedMemory,
        memoryKiBAfter: problem.hosts[host].reservedMemory, vcpusBefore: problem.hosts[host].reservedCPUs,
        vcpusAfter: problem.hosts[host].reservedCPUs)
    }
    var destination = problem.vms.map(\.host)
    for placement in solution.placements { destination[placement.vm] = placement.destination }
    var received = [Int](repeating: 0, count: loads.count)
    var isChanged = [Bool](repeating: false, count: loads.count)
    for (vm, machine) in problem.vms.enumerated() {
      loads[machine.host].vmsBefore += 1
      loads[machine.host].memoryKiBBefore += machine.memory
      loads[machine.host].vcpusBefore += machine.vcpus
      loads[destination[vm]].vmsAfter += 1
      loads[destination[vm]].memoryKiBAfter += machine.memory
      loads[destination[vm]].vcpusAfter += machine.vcpus
      guard machine.host != destination[vm] else { continue }
      received[destination[vm]] += 1
      isChanged[machine.host] = true
      isChanged[destination[vm]] = true
    }
    score = Plan.Score(
      unplaced: solution.unplaced.count, suspends: solution.steps.count { $0.kind == .suspend },
      seconds: Double(solution.makespan) / 1e6)
    // Each machine that should move costs one operation that must be; suspends are told by themselves.
    let needed = PlanSummary.neededMoves(solution, problem)
    score.extraMoves = max(0, solution.steps.count { $0.kind == .migrate } + score.suspends - needed)
    for host in PlanSummary.destinations(of: problem) { score.count(loads[host], received: received[host]) }
    self.loads = loads.indices.filter { isChanged[$0] }.map { loads[$0] }
  }

  private static func neededMoves(_ solution: Solution, _ problem: Problem) -> Int {
    switch problem.task {
    case .rearrange: return solution.placements.count
    case .evacuate(let evacuation):
      var isMoving = [Bool](repeating: false, count: problem.vms.count)
      for vm in evacuation.moving { isMoving[vm] = true }
      return solution.placements.count { isMoving[$0.vm] }
    }
  }

  private static func destinations(of problem: Problem) -> [Int] {
    switch problem.task {
    case .evacuate(let evacuation): evacuation.destinations
    case .rearrange(let mapping): Set(mapping.map(\.destination)).sorted()
    }
  }
}
