import ClusterModel

/// The hosts that may receive in one plan, and what they have left while it grows.
struct Destinations {
  struct Candidate {
    var host: ClusterSnapshot.Host
    var memoryKiB: Int
    var vcpus: Int
    /// The machines that the plan brings.
    var received: [VMName] = []

    var freeMemoryKiB: Int { host.capacity.memoryKiB - memoryKiB }
    /// Those that may be promised still.
    func freeCPUs(_ request: EvacuationRequest) -> Int {
      (request.overbooking ? host.capacity.virtualCPUs(atMost: request.cpuRatio) : host.capacity.cpus) - vcpus
    }
  }

  /// In the order of the request's list, else of the names, so that nothing depends on the order of the snapshot.
  private(set) var candidates: [Candidate] = []
  /// Hosts that were asked for and may not receive, in words.
  private var refusals: [String] = []
  let rules: ClusterSnapshot.PlacementRules
  let request: EvacuationRequest

  init(_ request: EvacuationRequest, _ cluster: ClusterSnapshot, excluding excluded: Set<HostName>) {
    rules = cluster.placementRules
    self.request = request
    let isNamed = !request.destinations.isEmpty
    let hosts = Dictionary(cluster.hosts.map { ($0.name, $0) }) { first, _ in first }
    var seen = Set(request.sources)
    for name in isNamed ? request.destinations : hosts.keys.sorted() where seen.insert(name).inserted {
      guard let host = hosts[name] else {
        refusals.append("\(name): no such host")
        continue
      }
      if excluded.contains(name) {
        refusals.append("\(name): failed before")
      } else if let obstacle = host.obstacle, obstacle.kind == .absolute || !isNamed {
        refusals.append("\(name): \(obstacle)")
      } else {
        candidates.append(Candidate(host: host, memoryKiB: host.usedMemoryKiB, vcpus: host.usedVCPUs))
      }
    }
  }

  /// Who may receive, in the order of the request's list, else of the names.
  var hosts: [ClusterSnapshot.Host] { candidates.map(\.host) }

  /// Counts the machine at the candidate with this number.
  mutating func take(_ vm: VirtualMachine, on index: Int) {
    candidates[index].memoryKiB += vm.memoryKiB
    candidates[index].vcpus += vm.vcpus
    candidates[index].received.append(vm.name)
  }

  /// The refusals as far as one wants to read them.
  var refusalText: String {
    let shown = refusals.prefix(4).joined(separator: "; ")
    return refusals.count > 4 ? "\(shown); and \(refusals.count - 4) more" : shown
  }

  /// Each that receives, before and after.
  var loads: [Plan.HostLoad] {
    candidates.filter { !$0.received.isEmpty }.map { candidate in
      Plan.HostLoad(
        host: candidate.host.name, capacity: candidate.host.capacity.room, vmsBefore: candidate.host.vms.count,
        vmsAfter: candidate.host.vms.count + candidate.received.count, memoryKiBBefore: candidate.host.usedMemoryKiB,
        memoryKiBAfter: candidate.memoryKiB, vcpusBefore: candidate.host.usedVCPUs, vcpusAfter: candidate.vcpus)
    }
  }
}
