import ClusterModel
import Placement

/// An evacuation in the engine's numbers: destinations first, in their order, then the sources; the machines to move
/// first, then those that are only there for anti-affinity.
struct PlanningProblem {
  let problem: Problem

  init(
    moving: [Planner.Leaving], from sources: [ClusterSnapshot.Host], to destinations: [ClusterSnapshot.Host],
    _ request: EvacuationRequest, rules: ClusterSnapshot.PlacementRules, in cluster: ClusterSnapshot
  ) {
    var racks: [String: Int] = [:]
    let hosts = (destinations + sources).map { host in
      // What stays is one number per host, because only the moving machines are planned.
      var result = Problem.Host(
        memory: host.capacity.memoryKiB, cpus: host.capacity.cpus, inbound: cluster.incomingMigrations,
        outbound: cluster.outgoingMigrations, reservedMemory: host.usedMemoryKiB, reservedCPUs: host.usedVCPUs)
      if let bandwidth = host.capacity.bandwidthMiB { result.bandwidth = bandwidth << 20 }
      if let rack = rules.racks[host.name] {
        result.rack = racks[rack, default: racks.count]
        racks[rack] = result.rack
      }
      return result
    }
    var requirements: [Set<String>: Int] = [[]: 0]
    var allowed = [Bool](repeating: true, count: hosts.count)
    var machines: [Problem.VM] = []
    var number: [VMName: Int] = [:]
    for (vm, source) in moving.map({ ($0.vm, $0.source) }) {
      let required = rules.requirements[vm.name] ?? []
      if requirements[required] == nil {
        requirements[required] = requirements.count
        allowed += (destinations + sources).map { required.isSubset(of: rules.labels[$0.name] ?? []) }
      }
      number[vm.name] = machines.count
      machines.append(
        Problem.VM(
          memory: vm.memoryKiB, vcpus: vm.vcpus, host: destinations.count + source,
          requirement: requirements[required] ?? 0))
    }
    var groups: [Problem.Group] = []
    if !rules.antiAffinity.isEmpty {
      var home: [VMName: Int] = [:]
      for (index, host) in destinations.enumerated() {
        for vm in host.vms { home[vm.name] = index }
      }
      for rule in rules.antiAffinity where rule.vms.contains(where: { number[$0] != nil }) {
        var members: [Int] = []
        for name in rule.vms.sorted() {
          if let known = number[name] {
            members.append(known)
          } else if let host = home[name] {
            members.append(machines.count)
            // Its room is in the host's sum already.
            machines.append(Problem.VM(memory: 0, vcpus: 0, host: host))
          }
        }
        groups.append(Problem.Group(isByRack: rule.scope == .rack, vms: members))
      }
    }
    problem = Problem(
      hosts: hosts, vms: machines, groups: groups, allowed: allowed,
      task: .evacuate(
        Problem.Evacuation(
          moving: Array(moving.indices), destinations: Array(destinations.indices), mode: request.mode,
          overbooking: request.overbooking, cpuRatio: request.cpuRatio)))
  }
}
