import ClusterModel
public import YAML

extension TaskResult {
  public func encoded(as dialect: ResultDialect) -> [UInt8] {
    switch dialect {
    case .seed: encoded()
    case .reference: encodedForReference()
    }
  }

  /// The answer in the seed's form: `vm migrated` and `vm repinned` flat, the others with `list`.
  public func encoded() -> [UInt8] {
    var fields: [(String, YAMLNode)] = []
    if let scheduler { fields.append(("scheduler", .string(scheduler))) }
    fields.append(("result", .string(title.rawValue)))
    if let id { fields.append(("id", .string(id.rawValue))) }
    if let plan { fields.append(("plan", .string(plan.rawValue))) }
    if let epoch { fields.append(("epoch", .integer(epoch))) }
    if title.isFlat, entries.count == 1 {
      // The machine's status, details and times are the whole's.
      return YAML.emit(.mapping(fields + entries[0].fields))
    }
    if let status { fields.append(("status", .string(status.rawValue))) }
    if let details { fields.append(("details", .string(details))) }
    if let code { fields.append(("code", .string(code.rawValue))) }
    if !times.isEmpty { fields.append(("time-measurement", times.node)) }
    fields.append(("list", .sequence(entries.map { .mapping($0.fields) })))
    return YAML.emit(.mapping(fields))
  }

  /// Reads an answer of our own programs or of the reference.
  public static func decode(_ payload: [UInt8]) throws(YAMLError) -> TaskResult {
    var reader = try MappingReader(try YAML.parse(payload))
    let title: Title = try reader.required("result")
    var result = TaskResult(
      title: title, id: try reader.optional("id"), scheduler: try reader.optional("scheduler"),
      plan: try reader.optional("plan", as: String.self).map(PlanID.init(rawValue:)))
    result.epoch = try reader.optional("epoch")
    if title.isFlat, reader.node("vm-name") != nil {
      result.entries = [try VMOutcome(&reader)]
      return result
    }
    result.status = try reader.optional("status")
    result.details = try reader.optional("details")
    result.code = try reader.optional("code", as: String.self).map { ErrorCode(rawValue: $0) ?? .internal }
    result.times = try reader.times()
    result.entries = try reader.list("list") { entry throws(YAMLError) in try VMOutcome(&entry) } ?? []
    return result
  }
}

extension VMOutcome {
  fileprivate var fields: [(String, YAMLNode)] {
    var fields: [(String, YAMLNode)] = [
      ("vm-name", .string(vm.rawValue)), ("status", isSuccess ? "success" : "error"),
    ]
    if let details { fields.append(("details", .string(details))) }
    if let code { fields.append(("code", .string(code.rawValue))) }
    if let processID { fields.append(("process-id", .integer(processID))) }
    if !times.isEmpty { fields.append(("time-measurement", times.node)) }
    return fields
  }

  fileprivate init(_ reader: inout MappingReader) throws(YAMLError) {
    let vm = VMName(rawValue: try reader.required("vm-name"))
    let status = try reader.required("status", as: String.self)
    let details = try reader.optional("details", as: String.self)
    let times = try reader.times()
    if status == "success" {
      self.init(vm: vm, details: details, processID: try reader.optional("process-id"), times: times)
    } else {
      let code = try reader.optional("code", as: String.self).flatMap(ErrorCode.init(rawValue:)) ?? .internal
      self.init(vm: vm, failure: code, details: details ?? "no details given", times: times)
    }
  }
}

extension [TimeMeasurement] {
  /// The seed's list of one-entry maps, in the order of the phases.
  fileprivate var node: YAMLNode {
    .sequence(map { .mapping([($0.tag, .real($0.seconds))]) })
  }
}

extension MappingReader {
  /// The seed's list, or the reference's map.
  fileprivate mutating func times() throws(YAMLError) -> [TimeMeasurement] {
    guard let node = node("time-measurement") else { return [] }
    let entries: [YAMLMapping.Entry]
    switch node.kind {
    case .mapping(let mapping): entries = mapping.entries
    case .sequence(let nodes, _):
      entries = nodes.flatMap { node -> [YAMLMapping.Entry] in
        if case .mapping(let mapping) = node.kind { mapping.entries } else { [] }
      }
    case .scalar: return []
    }
    var times: [TimeMeasurement] = []
    for entry in entries { times.append(TimeMeasurement(entry.key, seconds: try Double(yaml: entry.value))) }
    return times
  }
}
