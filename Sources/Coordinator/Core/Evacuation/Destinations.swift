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
  }

  /// In the order of the request's list, else of the names, so that nothing depends on the order of the snapshot.
  private var candidates: [Candidate] = []
  /// Hosts that were asked for and may not receive, in words.
  private var refusals: [String] = []

  init(_ request: EvacuationRequest, _ cluster: ClusterSnapshot, excluding excluded: Set<HostName>) {
    let isNamed = !request.destinations.isEmpty
    let hosts = Dictionary(cluster.hosts.map { ($0.name, $0) }) { first, _ in first }
    var seen: Set<HostName> = [request.source]
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
    candidates[index].received += 1
  }

  /// Why there is no place, where it comes closest, and what is missing there.
  func explain(_ vm: VirtualMachine, source: HostName) -> Plan.Unplaced {
    guard let roomiest = candidates.max(by: { $0.freeMemoryKiB < $1.freeMemoryKiB }) else {
      let why = refusals.isEmpty ? "there is no other host" : refusalText
      return Plan.Unplaced(vm: vm, source: source, cause: .noDestination, details: "no destination: \(why)")
    }
    let others = refusals.isEmpty ? "" : "; not considered: \(refusalText)"
    if roomiest.freeMemoryKiB < vm.memoryKiB {
      let missing = SizeText.kibibytes(vm.memoryKiB - roomiest.freeMemoryKiB)
      return Plan.Unplaced(
        vm: vm, source: source, cause: .memory,
        details: "needs \(SizeText.kibibytes(vm.memoryKiB)) of memory; closest is \(roomiest.host.name) with "
          + "\(SizeText.kibibytes(max(0, roomiest.freeMemoryKiB))) free, \(missing) missing\(others)")
    }
    let withMemory = candidates.filter { $0.freeMemoryKiB >= vm.memoryKiB }
    let closest = withMemory.max { $0.freeCPUs < $1.freeCPUs } ?? roomiest
    if closest.freeCPUs >= vm.vcpus {
      return Plan.Unplaced(
        vm: vm, source: source, cause: .constraint,
        details: "room on \(closest.host.name), but the labels it requires or anti-affinity forbid it")
    }
    return Plan.Unplaced(
      vm: vm, source: source, cause: .vcpus,
      details: "needs \(vm.vcpus) CPUs; closest is \(closest.host.name) with \(max(0, closest.freeCPUs)) free; "
        + "overbooking would allow it\(others)")
  }

  /// The refusals as far as one wants to read them.
  private var refusalText: String {
    let shown = refusals.prefix(4).joined(separator: "; ")
    return refusals.count > 4 ? "\(shown); and \(refusals.count - 4) more" : shown
  }

  /// Each that receives, before and after.
  var loads: [Plan.HostLoad] {
    candidates.filter { $0.received > 0 }.map { candidate in
      Plan.HostLoad(
        host: candidate.host.name, capacity: candidate.host.capacity.room, vmsBefore: candidate.host.vms.count,
        vmsAfter: candidate.host.vms.count + candidate.received, memoryKiBBefore: candidate.host.usedMemoryKiB,
        memoryKiBAfter: candidate.memoryKiB, vcpusBefore: candidate.host.usedVCPUs, vcpusAfter: candidate.vcpus)
    }
  }
}
