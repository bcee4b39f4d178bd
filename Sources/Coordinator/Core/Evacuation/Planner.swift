public import ClusterModel
import Placement

/// Decides which machine goes where: cluster and request in, plan out. Same input, same plan.
///
/// The deciding is done by `PlacementEngine`, in numbers; this translates. Memory is never overbooked; virtual CPUs only
/// when asked, and only as far as needed.
public enum Planner {
  /// Enough for the best plan of one host in most clusters, and nothing beside what its first migration takes.
  private static let budget = Budget(milliseconds: 2)

  /// Plans to empty `request.source`.
  ///
  /// - Parameters:
  ///   - only: the machines concerned; nil: every active one on the source.
  ///   - excluding: hosts that must not receive although the request would allow it.
  public static func plan(
    _ request: EvacuationRequest, on cluster: ClusterSnapshot, only: Set<VMName>? = nil,
    excluding excluded: Set<HostName> = []
  ) -> Plan {
    guard let source = cluster.hosts.first(where: { $0.name == request.source }) else { return Plan() }
    let vms = source.vms.filter { only?.contains($0.name) ?? true }.sorted(by: isPlacedBefore)
    var destinations = Destinations(request, cluster, excluding: excluded)
    let text = PlanningProblem(
      moving: vms, from: source, to: destinations.hosts, request, rules: cluster.placementRules, in: cluster)
    let solution = PlacementEngine.solve(text.problem, budget: budget)
    var moves: [Plan.Move] = []
    for step in solution.steps {
      let vm = vms[step.vm]
      let destination = destinations.hosts[step.destination].name
      destinations.take(vm, on: step.destination)
      moves.append(
        Plan.Move(
          vm: vm, source: source.name, destination: destination, estimatedStart: Double(step.start) / 1e6,
          estimatedEnd: Double(step.end) / 1e6))
    }
    let unplaced = solution.unplaced.map { destinations.explain(vms[$0], source: source.name) }
    return Plan(
      moves: moves, unplaced: unplaced, loads: [load(of: source, losing: moves.map(\.vm))] + destinations.loads)
  }

  /// Larger first; names break ties, so that plans are repeatable.
  private static func isPlacedBefore(_ left: VirtualMachine, _ right: VirtualMachine) -> Bool {
    if left.memoryKiB != right.memoryKiB { return left.memoryKiB > right.memoryKiB }
    if left.vcpus != right.vcpus { return left.vcpus > right.vcpus }
    return left.name < right.name
  }

  private static func load(of source: ClusterSnapshot.Host, losing vms: [VirtualMachine]) -> Plan.HostLoad {
    Plan.HostLoad(
      host: source.name, capacity: source.capacity.room, vmsBefore: source.vms.count,
      vmsAfter: source.vms.count - vms.count, memoryKiBBefore: source.usedMemoryKiB,
      memoryKiBAfter: vms.reduce(source.usedMemoryKiB) { $0 - $1.memoryKiB }, vcpusBefore: source.usedVCPUs,
      vcpusAfter: vms.reduce(source.usedVCPUs) { $0 - $1.vcpus })
  }
}
