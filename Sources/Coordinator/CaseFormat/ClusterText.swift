public import ClusterModel

/// A live cluster as a case file, to rehearse on.
///
/// What is promised to machines on their way is taken off their destination's room. A host that may not receive says why
/// in `closed`, and is no destination unless the wish names it.
public enum ClusterText {
  /// - Parameter overhead: seconds that each migration takes besides the copying.
  public static func json(
    _ cluster: ClusterSnapshot, name: String, wish: EvacuationWish, overhead: Int = 1
  ) -> String {
    var text = "{\"format\":1,\"name\":\(name.quotedJSON),\n\"hosts\":["
    append(cluster.hosts, to: &text) { host(host: $0, cluster) }
    text += "],\n\"vms\":["
    append(machines(in: cluster), to: &text) { machine in
      let requires = cluster.placementRules.requirements[machine.vm.name].map { $0.sorted() } ?? []
      let required = requires.isEmpty ? "" : ",\"requires\":\(list(requires))"
      return "{\"name\":\(machine.name.quotedJSON),\"memory\":\(machine.vm.memoryKiB),\"vcpus\":\(machine.vm.vcpus),"
        + "\"host\":\(machine.host.rawValue.quotedJSON)\(required)}"
    }
    text += "],\n\"antiAffinity\":["
    append(cluster.placementRules.antiAffinity, to: &text) { group in
      "{\"scope\":\"\(group.scope.rawValue)\",\"vms\":\(list(group.vms.map(\.rawValue).sorted()))}"
    }
    let open = cluster.hosts.filter { $0.obstacle == nil && !wish.sources.contains($0.name.rawValue) }
    let destinations = wish.destinations.isEmpty ? open.map(\.name.rawValue) : wish.destinations
    let ratio = wish.cpuRatio.map { "\"cpuRatio\":\($0)," } ?? ""
    return text + """
      ],
      "task":{"kind":"evacuate","sources":\(list(wish.sources)),"destinations":\(list(destinations)),
      "mode":"\(wish.mode.rawValue)","overbooking":\(wish.overbooking),\(ratio)"movable":"\(wish.movesOthers ? "all" : "task")",
      "overhead":\(overhead),"storage":0,"bounce":false}}

      """
  }

  private static func host(host: ClusterSnapshot.Host, _ cluster: ClusterSnapshot) -> String {
    let bandwidth = host.capacity.bandwidthMiB.map { $0 << 20 } ?? 1_250_000_000
    var text = "{\"name\":\(host.name.rawValue.quotedJSON)"
    text += ",\"memory\":\(max(0, host.capacity.memoryKiB - host.reservedMemoryKiB))"
    text += ",\"cpus\":\(max(0, host.capacity.cpus - host.reservedVCPUs)),\"bandwidth\":\(bandwidth)"
    text += ",\"inbound\":\(cluster.incomingMigrations),\"outbound\":\(cluster.outgoingMigrations)"
    if let rack = cluster.placementRules.racks[host.name] { text += ",\"rack\":\(rack.quotedJSON)" }
    if let labels = cluster.placementRules.labels[host.name] { text += ",\"labels\":\(list(labels.sorted()))" }
    if let obstacle = host.obstacle { text += ",\"closed\":\(obstacle.description.quotedJSON)" }
    return text + "}"
  }

  /// Each machine once, under a name of its own. Of two hosts that show the same machine, the one that is not there to
  /// confirm it is not believed.
  private static func machines(
    in cluster: ClusterSnapshot
  ) -> [(name: String, vm: VirtualMachine, host: HostName)] {
    let isBelieved = cluster.hosts.map { $0.obstacle?.kind != .absolute || $0.obstacle == .draining }
    var seen: Set<String> = []
    for (host, believed) in zip(cluster.hosts, isBelieved) where believed { seen.formUnion(host.vms.map(\.uuid)) }
    var names: Set<String> = []
    var machines: [(name: String, vm: VirtualMachine, host: HostName)] = []
    for (host, believed) in zip(cluster.hosts, isBelieved) {
      for vm in host.vms where believed || seen.insert(vm.uuid).inserted {
        var name = vm.name.rawValue
        if !names.insert(name).inserted { name += " on \(host.name)" }
        names.insert(name)
        machines.append((name, vm, host.name))
      }
    }
    return machines
  }

  private static func list(_ texts: [String]) -> String {
    "[\(texts.map(\.quotedJSON).joined(separator: ","))]"
  }

  private static func append<Element>(_ elements: [Element], to text: inout String, _ line: (Element) -> String) {
    for (number, element) in elements.enumerated() { text += (number == 0 ? "\n" : ",\n") + line(element) }
  }
}
