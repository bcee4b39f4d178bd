public import ClusterModel

/// Decides which machine goes where: cluster and request in, plan out. Same input, same plan.
///
/// Machines are placed one after another, the largest first, each on the destination that is best for the mode at that
/// moment. Memory is never overbooked; virtual CPUs only when asked, and only for machines that found no other place.
public enum Planner {
  /// Plans to empty `request.source`.
  ///
  /// - Parameters:
  ///   - only: the machines concerned; nil: every active one on the source.
  ///   - excluded: hosts that must not receive although the request would allow it.
  public static func plan(
    _ request: EvacuationRequest, on cluster: ClusterSnapshot, only: Set<VMName>? = nil,
    excluding excluded: Set<HostName> = []
  ) -> Plan {
    guard let source = cluster.hosts.first(where: { $0.name == request.source }) else { return Plan() }
    let vms = source.vms.filter { only?.contains($0.name) ?? true }.sorted(by: isPlacedBefore)
    var destinations = Destinations(request, cluster, excluding: excluded)
    var placed: [(order: Int, move: Plan.Move)] = []
    var homeless: [(order: Int, vm: VirtualMachine)] = []
    for (order, vm) in vms.enumerated() {
      if let destination = destinations.place(vm, mode: request.mode) {
        placed.append((order, Plan.Move(vm: vm, source: source.name, destination: destination)))
      } else {
        homeless.append((order, vm))
      }
    }
    var unplaced: [Plan.Unplaced] = []
    for (order, vm) in homeless {
      if request.overbooking, let destination = destinations.overbook(vm) {
        placed.append((order, Plan.Move(vm: vm, source: source.name, destination: destination)))
      } else {
        unplaced.append(destinations.explain(vm, source: source.name))
      }
    }
    placed.sort { $0.order < $1.order }
    return Plan(
      moves: placed.map(\.move), unplaced: unplaced,
      loads: [load(of: source, losing: placed.map(\.move.vm))] + destinations.loads)
  }

  /// Larger first, because small machines fill what is left; names break ties, so that plans are repeatable.
  private static func isPlacedBefore(_ left: VirtualMachine, _ right: VirtualMachine) -> Bool {
    if left.memoryKiB != right.memoryKiB { return left.memoryKiB > right.memoryKiB }
    if left.vcpus != right.vcpus { return left.vcpus > right.vcpus }
    return left.name < right.name
  }

  private static func load(of source: ClusterSnapshot.Host, losing vms: [VirtualMachine]) -> Plan.HostLoad {
    Plan.HostLoad(
      host: source.name, capacity: source.capacity, vmsBefore: source.vms.count,
      vmsAfter: source.vms.count - vms.count, memoryKiBBefore: source.usedMemoryKiB,
      memoryKiBAfter: vms.reduce(source.usedMemoryKiB) { $0 - $1.memoryKiB }, vcpusBefore: source.usedVCPUs,
      vcpusAfter: vms.reduce(source.usedVCPUs) { $0 - $1.vcpus })
  }
}
