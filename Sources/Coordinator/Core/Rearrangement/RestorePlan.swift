import ClusterModel

/// Which machines come back to a host, and which of those that came meanwhile make room for them.
///
/// Strangers leave only if the host would be too small for all: as few as possible, to wherever there is room when those
/// who come back have left. What does not fit even so stays where it is.
struct RestorePlan {
  private(set) var moves: [Plan.Move] = []
  private(set) var unplaced: [Plan.Unplaced] = []

  init(_ name: HostName, origins: [String: HostName], mayOverbook: Bool, on cluster: ClusterSnapshot) {
    guard let host = cluster.hosts.first(where: { $0.name == name }) else { return }
    var returning: [Plan.Move] = []
    for other in cluster.hosts where other.name != name {
      for vm in other.vms where origins[vm.uuid] == name {
        if let obstacle = other.obstacle, obstacle.kind == .absolute {
          unplaced.append(
            Plan.Unplaced(
              vm: vm, source: other.name, cause: .noDestination,
              details: "it is on \(other.name), which cannot take part: \(obstacle.description)"))
        } else {
          returning.append(Plan.Move(vm: vm, source: other.name, destination: name))
        }
      }
    }
    returning.sort { ($1.vm.memoryKiB, $0.vm.name) < ($0.vm.memoryKiB, $1.vm.name) }
    let strangers = host.vms.filter { origins[$0.uuid] != name }
    var lack = Lack(of: host, receiving: returning.map(\.vm), mayOverbook: mayOverbook)
    let leaving = lack.choose(from: strangers)
    if !leaving.isEmpty { moves = Self.away(leaving, from: name, after: returning, mayOverbook, on: cluster) }
    lack = Lack(of: host, receiving: returning.map(\.vm), losing: moves.map(\.vm), mayOverbook: mayOverbook)
    while !lack.isNone, let largest = returning.first {
      // The fewest stay away: the smallest one that is enough, else the largest.
      let index = returning.lastIndex { lack.isMet(by: [$0.vm]) } ?? 0
      let missing = returning.isEmpty ? largest : returning.remove(at: index)
      unplaced.append(
        Plan.Unplaced(
          vm: missing.vm, source: missing.source, cause: lack.memoryKiB > 0 ? .memory : .vcpus,
          details: "\(name) has no room for it, and what came there meanwhile has no other place"))
      lack = Lack(of: host, receiving: returning.map(\.vm), losing: moves.map(\.vm), mayOverbook: mayOverbook)
    }
    moves += returning
  }

  /// What a host is short of; not positive: nothing.
  private struct Lack {
    var memoryKiB: Int
    var cpus: Int

    init(
      of host: ClusterSnapshot.Host, receiving: [VirtualMachine], losing: [VirtualMachine] = [], mayOverbook: Bool
    ) {
      func sum(_ vms: [VirtualMachine], _ size: (VirtualMachine) -> Int) -> Int { vms.reduce(0) { $0 + size($1) } }
      memoryKiB =
        host.usedMemoryKiB + sum(receiving, \.memoryKiB) - sum(losing, \.memoryKiB) - host.capacity.memoryKiB
      cpus =
        mayOverbook
        ? 0 : host.usedVCPUs + sum(receiving, \.vcpus) - sum(losing, \.vcpus) - host.capacity.cpus
    }

    var isNone: Bool { memoryKiB <= 0 && cpus <= 0 }

    func isMet(by vms: [VirtualMachine]) -> Bool {
      vms.reduce(0) { $0 + $1.memoryKiB } >= memoryKiB && vms.reduce(0) { $0 + $1.vcpus } >= cpus
    }

    /// Few that leave: the smallest one that is enough, else the largest and so on.
    func choose(from vms: [VirtualMachine]) -> [VirtualMachine] {
      var rest = vms.sorted { ($0.memoryKiB, $0.vcpus, $0.name) < ($1.memoryKiB, $1.vcpus, $1.name) }
      var chosen: [VirtualMachine] = []
      while !isMet(by: chosen), !rest.isEmpty {
        let index = rest.firstIndex { isMet(by: chosen + [$0]) } ?? rest.count - 1
        chosen.append(rest.remove(at: index))
      }
      return chosen
    }
  }

  /// Where strangers can go when those who come back have left their hosts.
  private static func away(
    _ vms: [VirtualMachine], from name: HostName, after returning: [Plan.Move], _ mayOverbook: Bool,
    on cluster: ClusterSnapshot
  ) -> [Plan.Move] {
    var later = cluster
    let returns = Set(returning.map(\.vm.uuid))
    for index in later.hosts.indices where later.hosts[index].name != name {
      later.hosts[index].vms.removeAll { returns.contains($0.uuid) }
    }
    let request = EvacuationRequest(sources: [name], overbooking: mayOverbook)
    return Planner.plan(request, on: later, only: Set(vms.map(\.uuid))).moves
  }
}
