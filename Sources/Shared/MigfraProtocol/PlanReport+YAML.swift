public import ClusterModel
public import YAML

extension PlanReport {
  /// The payload of the plan's topic.
  public func encoded() -> [UInt8] {
    var fields: [(String, YAMLNode)] = [
      ("plan", .string(id.rawValue)), ("state", .string(state.rawValue)), ("reason", .string(reason)),
    ]
    fields.append(("operation", .string(operation.name)))
    if let task { fields.append(("task", .string(task.rawValue))) }
    if let requester { fields.append(("requester", .string(requester))) }
    if let purpose { fields.append(("purpose", .string(purpose))) }
    switch operation {
    case .evacuation(let request):
      fields += [
        ("sources", .flow(request.sources.map { .string($0.rawValue) })),
        ("destinations", .flow(request.destinations.map { .string($0.rawValue) })),
        ("mode", .string(request.mode.rawValue)), ("migration-type", .string(request.migrationType.rawValue)),
        ("overbooking", .boolean(request.overbooking)), ("best-effort", .boolean(request.bestEffort)),
        ("retry-counter", .integer(request.retries)),
      ]
      if let ratio = request.cpuRatio { fields.append(("cpu-ratio", .real(ratio))) }
    case .restore(let host): fields.append(("host", .string(host.rawValue)))
    case .exchange, .rearrangement, .migration: break
    }
    if let began { fields.append(("began", .real(began, decimals: 3))) }
    if let ended { fields.append(("ended", .real(ended, decimals: 3))) }
    fields.append(("elapsed", .real(seconds, decimals: 3)))
    if let remainingSeconds { fields.append(("eta", .real(remainingSeconds, decimals: 3))) }
    fields += [
      ("moves", .sequence(moves.map { .mapping($0.fields) })),
      ("unplaced", .sequence(unplaced.map { .mapping($0.fields) })),
      ("hosts", .sequence(loads.map { .mapping($0.fields) })),
    ]
    return YAML.emit(.mapping(fields))
  }

  public static func decode(_ payload: [UInt8]) throws(YAMLError) -> PlanReport {
    var reader = try MappingReader(try YAML.parse(payload, limits: .report))
    var report = PlanReport(
      id: PlanID(rawValue: try reader.required("plan")), operation: try Operation(&reader),
      state: try reader.required("state"), reason: try reader.optional("reason") ?? "",
      task: try reader.optional("task"))
    report.requester = try reader.optional("requester")
    report.purpose = try reader.optional("purpose")
    report.began = try reader.optional("began")
    report.ended = try reader.optional("ended")
    report.seconds = try reader.required("elapsed")
    report.remainingSeconds = try reader.optional("eta")
    report.moves = try reader.list("moves") { entry throws(YAMLError) in try Move(&entry) } ?? []
    report.unplaced = try reader.list("unplaced") { entry throws(YAMLError) in try Plan.Unplaced(&entry) } ?? []
    report.loads = try reader.list("hosts") { entry throws(YAMLError) in try Plan.HostLoad(&entry) } ?? []
    return report
  }
}

extension PlanReport.Operation {
  fileprivate enum Name: String, CaseIterable, YAMLReadable {
    case evacuation, exchange, rearrangement, restore, migration
  }

  fileprivate var name: String {
    let name: Name =
      switch self {
      case .evacuation: .evacuation
      case .exchange: .exchange
      case .rearrangement: .rearrangement
      case .restore: .restore
      case .migration: .migration
      }
    return name.rawValue
  }

  fileprivate init(_ reader: inout MappingReader) throws(YAMLError) {
    switch try reader.required("operation", as: Name.self) {
    case .evacuation: self = .evacuation(try EvacuationRequest(&reader))
    case .exchange: self = .exchange
    case .rearrangement: self = .rearrangement
    case .restore: self = .restore(try reader.required("host"))
    case .migration: self = .migration
    }
  }
}

extension EvacuationRequest {
  fileprivate init(_ reader: inout MappingReader) throws(YAMLError) {
    let sources = try reader.required("sources", as: [HostName].self)
    guard !sources.isEmpty else { throw reader.error("expected at least one host", key: "sources") }
    self.init(
      sources: sources, destinations: try reader.optional("destinations") ?? [],
      mode: try reader.required("mode"), overbooking: try reader.optional("overbooking") ?? false,
      cpuRatio: try reader.optional("cpu-ratio"),
      bestEffort: try reader.optional("best-effort") ?? true,
      migrationType: try reader.required("migration-type"),
      retries: try reader.optionalCount("retry-counter") ?? 0)
  }
}

extension PlanReport.Move {
  fileprivate var fields: [(String, YAMLNode)] {
    var fields = move.vm.fields
    fields += [
      ("source", .string(move.source.rawValue)), ("destination", .string(move.destination.rawValue)),
      ("move", .string(state.rawValue)), ("retries", .integer(retries)),
    ]
    if let stage { fields.append(("stage", .string(stage.rawValue))) }
    if let details { fields.append(("details", .string(details))) }
    if let seconds { fields.append(("seconds", .real(seconds, decimals: 3))) }
    if let progress { fields.append(("progress", .mapping(progress.fields))) }
    return fields
  }

  fileprivate init(_ reader: inout MappingReader) throws(YAMLError) {
    let move = Plan.Move(
      vm: try VirtualMachine(&reader), source: try reader.required("source"),
      destination: try reader.required("destination"))
    self.init(move: move, stage: try reader.optional("stage"), state: try reader.required("move"))
    retries = try reader.optionalCount("retries") ?? 0
    details = try reader.optional("details")
    seconds = try reader.optional("seconds")
    if var nested = try reader.reader("progress") { progress = try MigrationProgress(&nested) }
  }
}

extension Plan.Unplaced {
  fileprivate var fields: [(String, YAMLNode)] {
    vm.fields + [
      ("source", .string(source.rawValue)), ("cause", .string(cause.rawValue)), ("details", .string(details)),
    ]
  }

  fileprivate init(_ reader: inout MappingReader) throws(YAMLError) {
    self.init(
      vm: try VirtualMachine(&reader), source: try reader.required("source"),
      cause: try reader.required("cause"), details: try reader.optional("details") ?? "")
  }
}

extension Plan.HostLoad {
  fileprivate var fields: [(String, YAMLNode)] {
    [
      ("host", .string(host.rawValue)), ("memory", .integer(capacity.memoryKiB)), ("cpus", .integer(capacity.cpus)),
      ("vms-before", .integer(vmsBefore)), ("vms-after", .integer(vmsAfter)),
      ("memory-before", .integer(memoryKiBBefore)), ("memory-after", .integer(memoryKiBAfter)),
      ("vcpus-before", .integer(vcpusBefore)), ("vcpus-after", .integer(vcpusAfter)),
    ]
  }

  fileprivate init(_ reader: inout MappingReader) throws(YAMLError) {
    self.init(
      host: try reader.required("host"),
      capacity: HostCapacity(memoryKiB: try reader.requiredMemory("memory"), cpus: try reader.requiredCPUs("cpus")),
      vmsBefore: try reader.requiredCount("vms-before"), vmsAfter: try reader.requiredCount("vms-after"),
      memoryKiBBefore: try reader.requiredCount("memory-before"),
      memoryKiBAfter: try reader.requiredCount("memory-after"),
      vcpusBefore: try reader.requiredCount("vcpus-before"), vcpusAfter: try reader.requiredCount("vcpus-after"))
  }
}
