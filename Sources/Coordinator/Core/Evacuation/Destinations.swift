import ClusterModel

/// The hosts that may receive in one plan, and what they have left while it grows.
struct Destinations {
  private struct Candidate {
    var host: ClusterSnapshot.Host
    var memoryKiB: Int
    var vcpus: Int
    var received = 0

    var freeMemoryKiB: Int { host.capacity.memoryKiB - memoryKiB }
    var freeCPUs: Int { host.capacity.cpus - vcpus }

    /// The fuller of memory and CPUs if `vm` came too; above 1 is overbooked.
    func share(with vm: VirtualMachine) -> Double {
      max(
        Double(memoryKiB + vm.memoryKiB) / Double(max(1, host.capacity.memoryKiB)),
        Double(vcpus + vm.vcpus) / Double(max(1, host.capacity.cpus)))
    }
  }

  /// In the order of the request's list, else of the names.
  private var candidates: [Candidate] = []
  /// Hosts that were asked for and may not receive, in words.
  private var refusals: [String] = []

  init(_ request: EvacuationRequest, _ cluster: ClusterSnapshot, excluding excluded: Set<HostName>) {
    let isNamed = !request.destinations.isEmpty
    var seen: Set<HostName> = [request.source]
    for name in isNamed ? request.destinations : cluster.hosts.map(\.name) where seen.insert(name).inserted {
      guard let host = cluster.hosts.first(where: { $0.name == name }) else {
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

  /// The best destination with room for everything; nil: there is none.
  mutating func place(_ vm: VirtualMachine, mode: PlacementMode) -> HostName? {
    let fitting = candidates.indices.filter {
      candidates[$0].freeMemoryKiB >= vm.memoryKiB && candidates[$0].freeCPUs >= vm.vcpus
    }
    let best: Int? =
      switch mode {
      case .compact: fitting.first
      case .auto: fitting.min { candidates[$0].share(with: vm) < candidates[$1].share(with: vm) }
      case .scatter:
        fitting.min {
          (candidates[$0].received, candidates[$0].share(with: vm))
            < (candidates[$1].received, candidates[$1].share(with: vm))
        }
      }
    return best.map { take(vm, at: $0) }
  }

  /// The destination with enough memory whose CPUs are exceeded least; nil: memory is nowhere.
  mutating func overbook(_ vm: VirtualMachine) -> HostName? {
    let fitting = candidates.indices.filter { candidates[$0].freeMemoryKiB >= vm.memoryKiB }
    return fitting.min { candidates[$0].share(with: vm) < candidates[$1].share(with: vm) }.map { take(vm, at: $0) }
  }

  private mutating func take(_ vm: VirtualMachine, at index: Int) -> HostName {
    candidates[index].memoryKiB += vm.memoryKiB
    candidates[index].vcpus += vm.vcpus
    candidates[index].received += 1
    return candidates[index].host.name
  }

  /// Why there is no place, where it comes closest, and what is missing there.
  func explain(_ vm: VirtualMachine, source: HostName) -> Plan.Unplaced {
    guard let roomiest = candidates.max(by: { $0.freeMemoryKiB < $1.freeMemoryKiB }) else {
      let why = refusals.isEmpty ? "there is no other host" : refusals.joined(separator: "; ")
      return Plan.Unplaced(vm: vm, source: source, cause: .noDestination, details: "no destination: \(why)")
    }
    if roomiest.freeMemoryKiB < vm.memoryKiB {
      let missing = SizeText.kibibytes(vm.memoryKiB - roomiest.freeMemoryKiB)
      return Plan.Unplaced(
        vm: vm, source: source, cause: .memory,
        details: "needs \(SizeText.kibibytes(vm.memoryKiB)) of memory; closest is \(roomiest.host.name) with "
          + "\(SizeText.kibibytes(max(0, roomiest.freeMemoryKiB))) free, \(missing) missing")
    }
    let withMemory = candidates.filter { $0.freeMemoryKiB >= vm.memoryKiB }
    let closest = withMemory.max { $0.freeCPUs < $1.freeCPUs } ?? roomiest
    return Plan.Unplaced(
      vm: vm, source: source, cause: .vcpus,
      details: "needs \(vm.vcpus) CPUs; closest is \(closest.host.name) with \(max(0, closest.freeCPUs)) free; "
        + "overbooking would allow it")
  }

  /// Each candidate before and after.
  var loads: [Plan.HostLoad] {
    candidates.map { candidate in
      Plan.HostLoad(
        host: candidate.host.name, capacity: candidate.host.capacity, vmsBefore: candidate.host.vms.count,
        vmsAfter: candidate.host.vms.count + candidate.received, memoryKiBBefore: candidate.host.usedMemoryKiB,
        memoryKiBAfter: candidate.memoryKiB, vcpusBefore: candidate.host.usedVCPUs, vcpusAfter: candidate.vcpus)
    }
  }
}
