import ClusterModel
public import Placement

/// A cluster and a wish from a file, with the names that the plan is written in. `docs/planner.md` has the format.
public struct PlanningCase: Sendable {
  public var name: String
  public var problem: Problem
  public var hostNames: [String]
  public var vmNames: [String]
  /// Why a host is no destination unless it is named; nil: it may receive.
  public var closed: [String?]

  /// Reads a case.
  ///
  /// - Throws: `CaseError` for what is not JSON, lacks something, or names something unknown.
  public init(json: [UInt8]) throws(CaseError) {
    let text = try CaseText(json: json)
    let hosts = try Self.index(text.hosts.map(\.name), "host")
    // The usual file has its machines in order; a dictionary of their names is only needed for groups and mappings.
    let needsNames = !text.groups.isEmpty || !text.task.mapping.isEmpty
    let vms = needsNames ? try Self.index(text.vms.map(\.name), "VM") : [:]
    name = text.name
    hostNames = text.hosts.map(\.name)
    vmNames = text.vms.map(\.name)
    closed = text.hosts.map(\.closed)

    var racks: [String: Int] = [:]
    var cells: [Problem.Cell] = []
    var machines: [Problem.VM] = []
    machines.reserveCapacity(text.vms.count)
    var requirements: [[String]: Int] = [[]: 0]
    var allowed = [Bool](repeating: true, count: text.hosts.count)
    let problemHosts = text.hosts.map { host in
      var result = host.numbers
      if let rack = host.rack { result.rack = racks[rack, default: racks.count] }
      if let rack = host.rack { racks[rack] = result.rack }
      result.firstCell = cells.count
      result.cellCount = host.cells.count
      cells += host.cells
      return result
    }
    for vm in text.vms {
      var machine = vm.numbers
      guard let host = hosts[vm.host] else { throw CaseError("VM \(vm.name) is on unknown host \(vm.host)") }
      machine.host = host
      if !vm.requires.isEmpty {
        if requirements[vm.requires] == nil {
          requirements[vm.requires] = requirements.count
          allowed += text.hosts.map { host in vm.requires.allSatisfy(host.labels.contains) }
        }
        machine.requirement = requirements[vm.requires] ?? 0
      }
      machines.append(machine)
    }
    func number(_ names: [String: Int], _ name: String, _ kind: String) throws(CaseError) -> Int {
      guard let number = names[name] else { throw CaseError("unknown \(kind) \(name)") }
      return number
    }
    var groups: [Problem.Group] = []
    for group in text.groups {
      var members: [Int] = []
      for name in group.vms { members.append(try number(vms, name, "VM")) }
      groups.append(Problem.Group(isByRack: group.isByRack, vms: members))
    }
    let task: Problem.Task
    if text.task.isRearrangement {
      var mapping: [(vm: Int, destination: Int)] = []
      for entry in text.task.mapping {
        mapping.append((try number(vms, entry.vm, "VM"), try number(hosts, entry.destination, "host")))
      }
      task = .rearrange(mapping)
    } else {
      var isSource = [Bool](repeating: false, count: text.hosts.count)
      for name in text.task.sources { isSource[try number(hosts, name, "host")] = true }
      var destinations: [Int] = []
      for name in text.task.destinations {
        let host = try number(hosts, name, "host")
        if !isSource[host] { destinations.append(host) }
      }
      task = .evacuate(
        Problem.Evacuation(
          moving: machines.indices.filter { isSource[machines[$0].host] }, destinations: destinations,
          mode: text.task.mode, overbooking: text.task.overbooking, movesOthers: text.task.movesOthers,
          cpuRatio: text.task.cpuRatio))
    }
    problem = Problem(
      hosts: problemHosts, cells: cells, vms: machines, groups: groups, allowed: allowed, task: task,
      overhead: Double(text.task.overhead), storage: text.task.storage, mayBounce: text.task.mayBounce,
      maxSuspended: text.task.maxSuspended)
  }

  private static func index(_ names: [String], _ kind: String) throws(CaseError) -> [String: Int] {
    var index = [String: Int](minimumCapacity: names.count)
    for (number, name) in names.enumerated() where index.updateValue(number, forKey: name) != nil {
      throw CaseError("\(kind) \(name) is there twice")
    }
    return index
  }
}
