import ClusterModel
import MigfraProtocol

/// Hosts that are in service again: what an evacuation took from them comes back.
///
/// Each machine's origin is the host that it was on when an evacuation first took it; further evacuations change nothing
/// about that. It is forgotten when the machine is back, or when its origin is emptied anew.
extension CoordinatorMachine {
  mutating func restore(
    _ host: HostName, _ wish: NodeRestore, task: TaskMessage, from arrival: TaskArrival, at now: Moment
  ) -> [CoordinatorEffect] {
    let cluster = snapshot()
    do throws(Flaw) {
      try checkRestore(host, on: cluster)
      let before = nodes[host]?.state ?? .active
      let plan = RestorePlan(
        host, origins: origins, mayOverbook: wish.way.overbooking ?? configuration.overbooking, on: cluster)
      return try begin(
        .restore(host, before: before), plan.moves, unplaced: plan.unplaced, way: wish.way, isDryRun: wish.isDryRun,
        on: cluster, task: task, from: arrival, at: now)
    } catch {
      return [refuse(task, error.code, error.details, to: arrival)]
    }
  }

  private func checkRestore(_ host: HostName, on cluster: ClusterSnapshot) throws(Flaw) {
    if let running = evacuations.first(where: { $0.empties(host) }) {
      throw Flaw(.wrongState, "\(host) is being emptied by plan \(running.id): cancel that first")
    }
    if let running = rearrangements.first(where: { $0.subject.host == host }) {
      throw Flaw(.wrongState, "\(host) is being restored already by plan \(running.id)")
    }
    if let obstacle = cluster.hosts.first(where: { $0.name == host })?.obstacle, obstacle.kind == .absolute {
      throw Flaw(.wrongState, "\(host) cannot be restored: \(obstacle.description)")
    }
  }

  /// What an evacuation takes from a host, or leaves there, belongs there.
  mutating func noteOrigin(of vms: [VirtualMachine], _ host: HostName) -> [CoordinatorEffect] {
    let new = vms.map(\.uuid).filter { origins[$0] == nil }
    guard !new.isEmpty else { return [] }
    for uuid in new { origins[uuid] = host }
    return [.keepOrigins(new, host)]
  }

  /// What stayed belongs there as much as what was moved.
  mutating func noteOrigins(of ended: EvacuationMachine) -> [CoordinatorEffect] {
    let left =
      ended.migrations.filter { !$0.isMoved }.map { ($0.move.vm, $0.move.source) }
      + ended.unplaced.map { ($0.vm, $0.source) }
    return left.flatMap { vm, source in
      roster.shows(vm.uuid, activeOn: source) ? noteOrigin(of: [vm], source) : []
    }
  }

  mutating func forgetOrigins(of uuids: [String]) -> [CoordinatorEffect] {
    let known = uuids.filter { origins[$0] != nil }
    guard !known.isEmpty else { return [] }
    for uuid in known { origins[uuid] = nil }
    return [.forgetOrigins(known)]
  }

  /// A host that is emptied anew: what came back by other ways, or never will, is an old story.
  mutating func forgetOrigins(on host: HostName) -> [CoordinatorEffect] {
    forgetOrigins(of: origins.filter { $0.value == host }.map(\.key).sorted())
  }
}
