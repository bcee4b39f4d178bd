public import ClusterModel
public import YAML

extension CoordinatorReport {
  public func encoded() -> [UInt8] {
    var fields: [(String, YAMLNode)] = [
      ("status", isOnline ? "online" : "offline"), ("epoch", .integer(epoch)), ("version", .string(version)),
    ]
    if let journal { fields.append(("journal", .string(journal))) }
    return YAML.emit(.mapping(fields))
  }

  public static func decode(_ payload: [UInt8]) throws(YAMLError) -> CoordinatorReport {
    var reader = try MappingReader(try YAML.parse(payload))
    return CoordinatorReport(
      isOnline: try reader.required("status", as: String.self) == "online", epoch: try reader.required("epoch"),
      version: try reader.optional("version") ?? "", journal: try reader.optional("journal"))
  }
}

extension NodeReport {
  public func encoded() -> [UInt8] {
    var fields: [(String, YAMLNode)] = [
      ("host", .string(host.rawValue)), ("state", .string(state.rawValue)), ("reason", .string(reason)),
    ]
    if !strays.isEmpty { fields.append(("strays", .sequence(strays.map(\.node)))) }
    return YAML.emit(.mapping(fields))
  }

  public static func decode(_ payload: [UInt8]) throws(YAMLError) -> NodeReport {
    var reader = try MappingReader(try YAML.parse(payload, limits: .report))
    return NodeReport(
      host: try reader.required("host"), state: try reader.required("state"),
      reason: try reader.optional("reason") ?? "",
      strays: try reader.list("strays") { entry throws(YAMLError) in try StrayCopy(&entry) } ?? [])
  }
}

extension StrayCopy {
  fileprivate var node: YAMLNode {
    .mapping([
      ("name", .string(name.rawValue)), ("uuid", .string(uuid)), ("active", .boolean(isActive)),
      (
        "others",
        .sequence(
          others.map { other in
            .mapping([
              ("host", .string(other.host.rawValue)), ("name", .string(other.name.rawValue)),
              ("active", .boolean(other.isActive)),
            ])
          })
      ),
    ])
  }

  fileprivate init(_ reader: inout MappingReader) throws(YAMLError) {
    self.init(
      name: VMName(rawValue: try reader.required("name")), uuid: try reader.required("uuid"),
      isActive: try reader.required("active"),
      others: try reader.list("others") { entry throws(YAMLError) in
        Other(
          host: try entry.required("host"), name: VMName(rawValue: try entry.required("name")),
          isActive: try entry.required("active"))
      } ?? [])
  }
}

extension MigrationProgress {
  public func encoded() -> [UInt8] {
    YAML.emit(.mapping(fields))
  }

  public static func decode(_ payload: [UInt8]) throws(YAMLError) -> MigrationProgress {
    var reader = try MappingReader(try YAML.parse(payload))
    return try MigrationProgress(&reader)
  }

  var fields: [(String, YAMLNode)] {
    var fields: [(String, YAMLNode)] = [("vm-name", .string(vm.rawValue))]
    if let task { fields.append(("task", .string(task.rawValue))) }
    fields += [
      ("destination", .string(destination.rawValue)), ("phase", .string(phase.rawValue)),
      ("bytes-total", .integer(totalBytes)), ("bytes-done", .integer(doneBytes)),
      ("bytes-left", .integer(remainingBytes)), ("rate", .integer(rate)),
    ]
    if let dirtyRate { fields.append(("dirty-rate", .integer(dirtyRate))) }
    fields.append(("elapsed", .real(elapsedSeconds, decimals: 3)))
    if let remainingSeconds { fields.append(("eta", .real(remainingSeconds, decimals: 3))) }
    return fields
  }

  init(_ reader: inout MappingReader) throws(YAMLError) {
    self.init(
      vm: VMName(rawValue: try reader.required("vm-name")), task: try reader.optional("task"),
      destination: try reader.required("destination"), phase: try reader.required("phase"),
      totalBytes: try reader.requiredCount("bytes-total"), doneBytes: try reader.requiredCount("bytes-done"),
      remainingBytes: try reader.requiredCount("bytes-left"), rate: try reader.requiredCount("rate"),
      dirtyRate: try reader.optionalCount("dirty-rate"), elapsedSeconds: try reader.required("elapsed"),
      remainingSeconds: try reader.optional("eta"))
  }
}
