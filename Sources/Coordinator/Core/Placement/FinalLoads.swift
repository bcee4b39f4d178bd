/// What each host has left after a plan, and what keeps a machine from it.
public struct FinalLoads: Sendable {
  public enum Obstacle: Sendable, Equatable {
    /// No host may receive.
    case noDestination
    /// No destination has the labels.
    case requirement
    /// The host with most free memory has too little, KiB.
    case memory(host: Int, free: Int)
    /// Of the hosts with the memory, the one with most free CPUs has too few.
    case vcpus(host: Int, free: Int)
    /// The host has room; anti-affinity or NUMA cells forbid it.
    case constraint(host: Int)
  }

  public let problem: Problem
  public private(set) var freeMemory: [Int]
  /// CPUs that may be promised still.
  public private(set) var freeCPUs: [Int]
  public let mayOverbook: Bool
  private let destinations: [Int]

  public init(_ solution: Solution, _ problem: Problem) {
    self.problem = problem
    freeMemory = problem.hosts.map { $0.memory - $0.reservedMemory }
    freeCPUs = problem.hosts.map { $0.cpus - $0.reservedCPUs }
    var host = problem.vms.map(\.host)
    for placement in solution.placements { host[placement.vm] = placement.destination }
    for (vm, host) in zip(problem.vms, host) {
      freeMemory[host] -= vm.memory
      freeCPUs[host] -= vm.vcpus
    }
    switch problem.task {
    case .evacuate(let evacuation):
      destinations = evacuation.destinations
      mayOverbook = evacuation.overbooking
      for (host, capacity) in problem.hosts.enumerated() where mayOverbook {
        freeCPUs[host] += evacuation.limit(of: capacity) - capacity.cpus
      }
    case .rearrange:
      destinations = []
      mayOverbook = false
    }
  }

  /// Where a machine without a place comes closest, and what is missing there.
  public func obstacle(to vm: Int) -> Obstacle {
    let machine = problem.vms[vm]
    guard !destinations.isEmpty else { return .noDestination }
    let allowed = destinations.filter { problem.allowed[machine.requirement * problem.hosts.count + $0] }
    guard let roomiest = first(of: allowed, byMost: freeMemory) else { return .requirement }
    if freeMemory[roomiest] < machine.memory { return .memory(host: roomiest, free: freeMemory[roomiest]) }
    let withMemory = allowed.filter { freeMemory[$0] >= machine.memory }
    guard let closest = first(of: withMemory, byMost: freeCPUs), freeCPUs[closest] < machine.vcpus else {
      return .constraint(host: roomiest)
    }
    return .vcpus(host: closest, free: freeCPUs[closest])
  }

  private func first(of hosts: [Int], byMost free: [Int]) -> Int? {
    var best = hosts.first
    for host in hosts where free[host] > free[best ?? host] { best = host }
    return best
  }
}
