public import ClusterModel
public import YAML

extension HostReport {
  /// The payload of the host's state topic, or of its worker's will.
  public func encoded() -> [UInt8] {
    var fields: [(String, YAMLNode)] = [
      ("host", .string(host.rawValue)), ("status", .string(presence.rawValue)), ("epoch", .integer(epoch)),
      ("sequence", .integer(sequence)), ("version", .string(version)),
    ]
    if presence == .online {
      fields += [
        ("hypervisor", .string(hypervisor)), ("hypervisor-reachable", .boolean(isHypervisorReachable)),
        ("capacity", .mapping(capacity.fields)),
        ("vms", .sequence(vms.map(\.node))),
      ]
    }
    return YAML.emit(.mapping(fields))
  }

  public static func decode(_ payload: [UInt8]) throws(YAMLError) -> HostReport {
    var reader = try MappingReader(try YAML.parse(payload, limits: .report))
    var report = HostReport(
      host: try reader.required("host"), presence: try reader.required("status"),
      epoch: try reader.required("epoch"), sequence: try reader.optionalCount("sequence") ?? 0,
      version: try reader.optional("version") ?? "")
    guard report.presence == .online else { return report }
    report.hypervisor = try reader.optional("hypervisor") ?? ""
    report.isHypervisorReachable = try reader.optional("hypervisor-reachable") ?? true
    guard var capacity = try reader.reader("capacity") else {
      throw reader.error("required of a host that is online", key: "capacity", code: .missing)
    }
    report.capacity = try HostCapacity(&capacity)
    report.vms = try reader.list("vms") { entry throws(YAMLError) in try VirtualMachine(&entry) } ?? []
    return report
  }
}

extension YAMLLimits {
  /// For the reports of our own programs, which may list a large host's machines.
  static let report = YAMLLimits(bytes: 8 << 20, depth: 32, events: 1_000_000)
}

extension HostCapacity {
  fileprivate var fields: [(String, YAMLNode)] {
    var fields: [(String, YAMLNode)] = [("memory", .integer(memoryKiB)), ("cpus", .integer(cpus))]
    if let bandwidthMiB { fields.append(("bandwidth", .integer(bandwidthMiB))) }
    if let rack { fields.append(("rack", .string(rack))) }
    if !labels.isEmpty { fields.append(("labels", .sequence(labels.map { .string($0) }))) }
    return fields
  }

  fileprivate init(_ reader: inout MappingReader) throws(YAMLError) {
    self.init(
      memoryKiB: try reader.requiredMemory("memory"), cpus: try reader.requiredCPUs("cpus"),
      // More than any network has, and little enough that a sum of links stays a number.
      bandwidthMiB: try reader.optionalCount("bandwidth").map { min(max(1, $0), 1 << 30) },
      rack: try reader.optional("rack"), labels: try reader.optional("labels") ?? [])
  }
}

extension VirtualMachine {
  var fields: [(String, YAMLNode)] {
    var fields: [(String, YAMLNode)] = [
      ("name", .string(name.rawValue)), ("uuid", .string(uuid)), ("state", .string(state.rawValue)),
      ("memory", .integer(memoryKiB)), ("vcpus", .integer(vcpus)),
    ]
    if !isPersistent { fields.append(("transient", true)) }
    if let processID { fields.append(("process-id", .integer(processID))) }
    if let job { fields.append(("job", .string(job.rawValue))) }
    return fields
  }

  fileprivate var node: YAMLNode { .mapping(fields) }

  init(_ reader: inout MappingReader) throws(YAMLError) {
    self.init(
      name: VMName(rawValue: try reader.required("name")), uuid: try reader.required("uuid"),
      state: try reader.required("state"), memoryKiB: try reader.requiredMemory("memory"),
      vcpus: try reader.requiredCPUs("vcpus"), isPersistent: !(try reader.optional("transient") ?? false),
      processID: try reader.optionalCount("process-id"))
    job = try reader.optional("job", as: JobName.self)
  }
}

extension VirtualMachine {
  /// One machine by itself, as the simulated hypervisor keeps it.
  public func encoded() -> [UInt8] { YAML.emit(node) }

  public static func decode(_ payload: [UInt8]) throws(YAMLError) -> VirtualMachine {
    var reader = try MappingReader(try YAML.parse(payload))
    return try VirtualMachine(&reader)
  }
}
