public import ClusterModel

/// The cluster as planners see it, from what hosts say of themselves.
extension ClusterSnapshot {
  /// - Parameters:
  ///   - reports: each host's last one.
  ///   - nodes: what is being done with hosts; none: nothing.
  ///   - coming: moves that are planned, under way, or done and not in the destination's report yet.
  public init(reports: [HostReport], nodes: [HostName: NodeReport], coming: [Plan.Move]) {
    var expected = Self.arrivals(coming, reports)
    for report in reports {
      // By anybody else's hand.
      let known = Set(expected[report.host]?.map(\.uuid) ?? [])
      let others = report.vms.filter { $0.state == .arriving && !known.contains($0.uuid) }
      if !others.isEmpty { expected[report.host, default: []] += others }
    }
    self.init(
      hosts: reports.map { report in
        let arriving = expected[report.host] ?? []
        return Host(
          name: report.host, capacity: report.capacity, vms: report.activeVMs,
          reservedMemoryKiB: arriving.reduce(0) { $0 + $1.memoryKiB },
          reservedVCPUs: arriving.reduce(0) { $0 + $1.vcpus }, obstacle: Obstacle(to: report, nodes[report.host]))
      }, placementRules: PlacementRules(reports))
  }

  /// Machines that take memory on each host, or will, although its report does not show them as active.
  private static func arrivals(_ coming: [Plan.Move], _ reports: [HostReport]) -> [HostName: [VirtualMachine]] {
    guard !coming.isEmpty else { return [:] }
    let active = Dictionary(reports.map { ($0.host, Set($0.activeVMs.map(\.uuid))) }) { first, _ in first }
    var arrivals: [HostName: [VirtualMachine]] = [:]
    for move in coming where active[move.destination]?.contains(move.vm.uuid) != true {
      arrivals[move.destination, default: []].append(move.vm)
    }
    return arrivals
  }
}

extension ClusterSnapshot.PlacementRules {
  /// What hosts say of themselves; machines do not say what they ask for yet.
  fileprivate init(_ reports: [HostReport]) {
    self.init()
    for report in reports {
      if !report.capacity.labels.isEmpty { labels[report.host] = Set(report.capacity.labels) }
      if let rack = report.capacity.rack { racks[report.host] = rack }
    }
  }
}

extension ClusterSnapshot.Obstacle {
  /// nil: the host may receive.
  public init?(to report: HostReport, _ node: NodeReport?) {
    if report.presence != .online {
      self.init(.absolute, "its worker is offline")
    } else if !report.isHypervisorReachable {
      self.init(.absolute, "its hypervisor cannot be reached")
    } else if let node, node.state == .draining {
      self = .draining
    } else if let node, !node.state.takesArrivals {
      self.init(.unlessNamed, node.state.rawValue.lowercased())
    } else {
      return nil
    }
  }
}
