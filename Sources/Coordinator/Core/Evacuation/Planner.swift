public import ClusterModel
import Placement

/// Decides which machine goes where: cluster and request in, plan out. Same input, same plan.
///
/// The deciding is done by `PlacementEngine`, in numbers; this translates. Memory is never overbooked; virtual CPUs only
/// when asked, and only as far as needed.
public enum Planner {
  /// Enough for the best plan of one host in most clusters, and nothing beside what its first migration takes.
  private static let budget = Budget(milliseconds: 2)

  /// Plans to empty `request.sources`.
  ///
  /// - Parameters:
  ///   - only: the machines concerned; nil: every active one on the sources. By UUID, because two hosts may
  ///     have machines of one name.
  ///   - excluding: hosts that must not receive although the request would allow it.
  public static func plan(
    _ request: EvacuationRequest, on cluster: ClusterSnapshot, only: Set<String>? = nil,
    excluding excluded: Set<HostName> = []
  ) -> Plan {
    let wanted = Set(request.sources)
    let sources = cluster.hosts.filter { wanted.contains($0.name) }
    guard !sources.isEmpty else { return Plan() }
    var copies: [Plan.Unplaced] = []
    var homes: [String: HostName] = [:]
    var moving: [Leaving] = []
    for (number, source) in sources.enumerated() {
      for vm in source.vms where only?.contains(vm.uuid) ?? true {
        if let home = homes.updateValue(source.name, forKey: vm.uuid) {
          // Nobody can say which of the two is the right one.
          copies.append(
            Plan.Unplaced(
              vm: vm, source: source.name, cause: .constraint, details: "another copy of it runs on \(home)"))
        } else {
          moving.append(Leaving(vm: vm, source: number))
        }
      }
    }
    moving.sort(by: isPlacedBefore)
    var destinations = Destinations(request, cluster, excluding: excluded)
    let text = PlanningProblem(
      moving: moving, from: sources, to: destinations.hosts, request, rules: cluster.placementRules, in: cluster)
    let solution = PlacementEngine.solve(text.problem, budget: budget)
    var moves: [Plan.Move] = []
    for step in solution.steps {
      let vm = moving[step.vm].vm
      let destination = destinations.hosts[step.destination].name
      destinations.take(vm, on: step.destination)
      moves.append(
        Plan.Move(
          vm: vm, source: sources[moving[step.vm].source].name, destination: destination,
          estimatedStart: Double(step.start) / 1e6,
          estimatedEnd: Double(step.end) / 1e6))
    }
    let unplaced = solution.unplaced.map {
      destinations.explain(moving[$0].vm, source: sources[moving[$0].source].name)
    }
    let losses = Dictionary(grouping: moves, by: \.source)
    return Plan(
      moves: moves, unplaced: unplaced + copies,
      loads: sources.map { load(of: $0, losing: losses[$0.name, default: []].map(\.vm)) } + destinations.loads)
  }

  /// A machine to move, and the number of the source that it leaves.
  struct Leaving {
    var vm: VirtualMachine
    var source: Int
  }

  /// Larger first; names break ties, so that plans are repeatable.
  private static func isPlacedBefore(_ one: Leaving, _ other: Leaving) -> Bool {
    let (left, right) = (one.vm, other.vm)
    if left.memoryKiB != right.memoryKiB { return left.memoryKiB > right.memoryKiB }
    if left.vcpus != right.vcpus { return left.vcpus > right.vcpus }
    return left.name != right.name ? left.name < right.name : one.source < other.source
  }

  private static func load(of source: ClusterSnapshot.Host, losing vms: [VirtualMachine]) -> Plan.HostLoad {
    Plan.HostLoad(
      host: source.name, capacity: source.capacity.room, vmsBefore: source.vms.count,
      vmsAfter: source.vms.count - vms.count, memoryKiBBefore: source.usedMemoryKiB,
      memoryKiBAfter: vms.reduce(source.usedMemoryKiB) { $0 - $1.memoryKiB }, vcpusBefore: source.usedVCPUs,
      vcpusAfter: vms.reduce(source.usedVCPUs) { $0 - $1.vcpus })
  }
}
