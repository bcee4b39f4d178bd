import ClusterModel

/// Why a machine has no place, where it comes closest, and what is missing there.
extension Destinations {
  func explain(_ vm: VirtualMachine, source: HostName) -> Plan.Unplaced {
    func because(_ cause: Plan.Unplaced.Cause, _ details: String) -> Plan.Unplaced {
      Plan.Unplaced(vm: vm, source: source, cause: cause, details: details)
    }
    guard !candidates.isEmpty else {
      return because(.noDestination, "no destination: \(refusalText.isEmpty ? "there is no other host" : refusalText)")
    }
    let others = refusalText.isEmpty ? "" : "; not considered: \(refusalText)"
    let required = rules.requirements[vm.name] ?? []
    let suitable = candidates.filter { required.isSubset(of: rules.labels[$0.host.name] ?? []) }
    guard let roomiest = suitable.max(by: { $0.freeMemoryKiB < $1.freeMemoryKiB }) else {
      return because(.constraint, missingLabels(required) + others)
    }
    if roomiest.freeMemoryKiB < vm.memoryKiB {
      let missing = SizeText.kibibytes(vm.memoryKiB - roomiest.freeMemoryKiB)
      return because(
        .memory,
        "needs \(SizeText.kibibytes(vm.memoryKiB)) of memory; closest is \(roomiest.host.name) with "
          + "\(SizeText.kibibytes(max(0, roomiest.freeMemoryKiB))) free, \(missing) missing\(others)")
    }
    let withMemory = suitable.filter { $0.freeMemoryKiB >= vm.memoryKiB }
    let closest = withMemory.max { $0.freeCPUs(request) < $1.freeCPUs(request) } ?? roomiest
    let free = closest.freeCPUs(request)
    guard free < vm.vcpus else {
      return because(.constraint, "room on \(closest.host.name), but \(conflict(of: vm, at: closest))\(others)")
    }
    return because(
      .vcpus,
      "needs \(vm.vcpus) CPUs; closest is \(closest.host.name) with \(max(0, free)) free; "
        + "\(request.overbooking ? "a higher cpu-ratio" : "overbooking") would allow it\(others)")
  }

  /// No candidate has all labels: the one that lacks fewest.
  private func missingLabels(_ required: Set<String>) -> String {
    let lacking = candidates.map {
      (host: $0.host.name, labels: required.subtracting(rules.labels[$0.host.name] ?? []))
    }
    let closest = lacking.min { ($0.labels.count, $0.host) < ($1.labels.count, $1.host) }
    let text = "requires a host with \(required.sorted().joined(separator: ", "))"
    return closest.map { "\(text); closest is \($0.host), which lacks \($0.labels.sorted().joined(separator: ", "))" }
      ?? text
  }

  /// Who must not be met there.
  private func conflict(of vm: VirtualMachine, at candidate: Candidate) -> String {
    for rule in rules.antiAffinity where rule.vms.contains(vm.name) {
      let rack = rules.racks[candidate.host.name]
      let near =
        rule.scope == .host
        ? [candidate] : candidates.filter { rack != nil && rules.racks[$0.host.name] == rack }
      let met = near.flatMap { $0.host.vms.map(\.name) + $0.received }.filter { $0 != vm.name && rule.vms.contains($0) }
      guard let other = met.min() else { continue }
      return rule.scope == .host
        ? "\(other) is there, and the two must not share a host"
        : "\(other) is in its rack \(rack ?? "?"), and the two must not share a rack"
    }
    return "anti-affinity forbids it"
  }
}
