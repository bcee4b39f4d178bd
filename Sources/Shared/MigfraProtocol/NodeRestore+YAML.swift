import ClusterModel
import YAML

extension NodeRestore {
  init(_ reader: inout MappingReader, _ findings: inout TaskFindings) throws(YAMLError) {
    self.init(way: try VMTravel(&reader, &findings), isDryRun: try reader.optional("dry-run") ?? false)
  }

  var fields: [(String, YAMLNode)] {
    isDryRun ? [("dry-run", true)] + way.fields : way.fields
  }
}

extension VMRearrangement {
  init(_ reader: inout MappingReader, _ findings: inout TaskFindings) throws(YAMLError) {
    let entries = try reader.list("list") { entry throws(YAMLError) in
      Move(vm: try entry.required("vm-name"), destination: try entry.required("destination"))
    }
    self.init(
      try TaskMessage.nonEmpty(entries, "list", reader), way: try VMTravel(&reader, &findings),
      isDryRun: try reader.optional("dry-run") ?? false)
  }

  var fields: [(String, YAMLNode)] {
    let list = moves.map { move in
      YAMLNode.mapping([("vm-name", .string(move.vm.rawValue)), ("destination", .string(move.destination.rawValue))])
    }
    return (isDryRun ? [("dry-run", true)] : []) + [("list", .sequence(list))] + way.fields
  }
}

extension VMTravel {
  fileprivate init(_ reader: inout MappingReader, _ findings: inout TaskFindings) throws(YAMLError) {
    self.init()
    guard var parameter = try reader.reader("parameter") else { return }
    type = try parameter.optional("migration-type")
    overbooking = try parameter.optional("overbooking")
    retries = try parameter.retries()
    try findings.readDriver(of: &parameter)
    tuning = try MigrationTuning(&parameter)
    if tuning.vcpuMap != nil {
      throw parameter.error("a map belongs to one machine: migrate it by itself", key: "vcpu-map")
    }
    reader.absorb(parameter)
  }

  fileprivate var fields: [(String, YAMLNode)] {
    var parameter: [(String, YAMLNode)] = []
    if let retries { parameter.append(("retry-counter", .integer(retries))) }
    if let type { parameter.append(("migration-type", .string(type.rawValue))) }
    if let overbooking { parameter.append(("overbooking", .boolean(overbooking))) }
    parameter += tuning.fields
    return parameter.isEmpty ? [] : [("parameter", .mapping(parameter))]
  }
}

extension Deadline {
  var fields: [(String, YAMLNode)] {
    [("deadline", .integer(seconds)), ("on-deadline", .string(policy.rawValue))]
  }
}

extension MappingReader {
  /// The operation or task that a task is about.
  mutating func target() throws(YAMLError) -> TaskID {
    let target = try required("task-id", as: TaskID.self)
    guard !target.rawValue.isEmpty else { throw error("expected the id of a task", key: "task-id") }
    return target
  }

  mutating func planID() throws(YAMLError) -> PlanID {
    let plan = try required("plan", as: String.self)
    guard !plan.isEmpty, plan.utf8.count <= 256 else { throw error("expected the id of a plan", key: "plan") }
    return PlanID(rawValue: plan)
  }

  /// The seed's spelling, or the reference's.
  mutating func retries() throws(YAMLError) -> Int? {
    let seed = try optionalCount("retry-counter")
    let reference = try optionalCount("retry_counter")
    return seed ?? reference
  }

  /// `deadline` in seconds, and what is done then.
  mutating func deadline() throws(YAMLError) -> Deadline? {
    let policy = try optional("on-deadline", as: Deadline.Policy.self)
    guard let seconds = try optionalCount("deadline") else {
      if policy != nil { throw error("without 'deadline' it means nothing", key: "on-deadline") }
      return nil
    }
    guard (1...10_000_000).contains(seconds) else { throw error("expected 1 to 10000000 seconds", key: "deadline") }
    return Deadline(seconds: seconds, policy: policy ?? .report)
  }
}
