import ClusterModel
public import Placement

/// Why a machine has no place, in words: where it comes closest, and what is missing there.
public struct Shortfall: Sendable {
  public let details: String

  public init(of vm: Int, in solution: Solution, _ planningCase: PlanningCase) {
    self.init(of: vm, loads: FinalLoads(solution, planningCase.problem), planningCase)
  }

  init(of vm: Int, loads: FinalLoads, _ planningCase: PlanningCase) {
    details =
      switch loads.obstacle(to: vm) {
      case .noDestination: "no destination: no host may receive"
      case .requirement: "no destination: no host has what it requires"
      case .memory(let host, let free):
        "needs \(SizeText.kibibytes(loads.problem.vms[vm].memory)) of memory; closest is "
          + "\(planningCase.hostNames[host]) with \(SizeText.kibibytes(max(0, free))) free, "
          + "\(SizeText.kibibytes(loads.problem.vms[vm].memory - free)) missing"
      case .vcpus(let host, let free):
        "needs \(loads.problem.vms[vm].vcpus) CPUs; closest is \(planningCase.hostNames[host]) with "
          + "\(max(0, free)) free; \(loads.mayOverbook ? "a higher cpu-ratio" : "overbooking") would allow it"
      case .constraint(let host):
        "room on \(planningCase.hostNames[host]), but anti-affinity or its NUMA cells forbid it"
      }
  }
}
