import ClusterModel
import YAML

extension TaskMessage {
  /// The largest message that is read, bytes.
  public static let maximumSize = YAMLLimits.message.bytes

  /// Reads a task in the seed's form, with what the reference and we add to it.
  ///
  /// An unknown key is a warning.
  /// - Throws: `UnreadableTask` with line and column, and with the id where the message was readable enough.
  public static func decode(_ payload: [UInt8]) throws(UnreadableTask) -> TaskMessage {
    let root: YAMLNode
    do throws(YAMLError) {
      root = try YAML.parse(payload)
    } catch {
      throw UnreadableTask(id: .salvaged(from: payload), code: .invalidMessage, description: error.description)
    }
    var id: TaskID?
    var code = ErrorCode.invalidMessage
    do throws(YAMLError) {
      var reader = try MappingReader(root)
      id = try reader.optional("id")
      if id?.rawValue.isEmpty == true { id = nil }
      let name = try reader.required("task", as: String.self)
      code = Kind(rawValue: name) == nil ? .unknownTask : .invalidMessage
      let kind = try reader.required("task", as: Kind.self)
      return try read(kind, id: id, from: &reader)
    } catch {
      throw UnreadableTask(id: id, code: code, description: error.description)
    }
  }

  private static func read(_ kind: Kind, id: TaskID?, from reader: inout MappingReader) throws(YAMLError) -> TaskMessage
  {
    var findings = TaskFindings()
    let host = try reader.optional("host", as: HostName.self)
    let measuresTime = try reader.optional("time-measurement", as: Bool.self) ?? false
    let notAfter = try reader.optional("not-after", as: Double.self)
    let epoch = try reader.optional("epoch", as: Epoch.self)
    let requester = try reader.optional("requester", as: String.self)
    let reason = try reader.optional("reason", as: String.self)
    _ = try reader.optional("concurrent-execution", as: Bool.self)
    try findings.readDriver(of: &reader)
    let body: Body
    switch kind {
    case .startVM: body = .start(try readStart(&reader, &findings))
    case .stopVM: body = .stop(try readStop(&reader, &findings))
    case .suspendVM: body = .suspend(try readNames(&reader, &findings))
    case .resumeVM: body = .resume(try readNames(&reader, &findings))
    case .repinVM: body = .repin(try readRepin(&reader, &findings))
    case .holdJob: body = .hold(try JobHold(&reader))
    case .releaseJob: body = .release(try JobRelease(&reader))
    case .migrateVM: body = .migrate(try readMigrate(&reader, &findings))
    case .evacuateNode: body = .evacuate(try readEvacuate(&reader, &findings))
    case .restoreNode: body = .restore(try NodeRestore(&reader, &findings))
    case .rearrangeVMs: body = .rearrange(try VMRearrangement(&reader, &findings))
    case .applyPlan: body = .apply(try reader.planID())
    case .cordonNode: body = .cordon(reason: reason ?? "cordoned on request")
    case .uncordonNode: body = .uncordon
    case .cancel: body = .cancel(try reader.target())
    case .pause: body = .pauseOperation(try reader.target())
    case .resume: body = .resumeOperation(try reader.target())
    case .quit: body = .quit
    }
    return TaskMessage(
      id: id, host: host, body: body, measuresTime: measuresTime || findings.measuresTime, notAfter: notAfter,
      epoch: epoch, requester: requester, reason: kind == .cordonNode ? nil : reason, driver: findings.driver,
      warnings: reader.unread.map { "unknown key '\($0.path)' ignored (line \($0.mark.line))" })
  }

  private static func readStart(
    _ reader: inout MappingReader, _ findings: inout TaskFindings
  ) throws(YAMLError) -> [VMStart] {
    var found = findings
    let entries = try reader.list("vm-configurations") { entry throws(YAMLError) -> VMStart in
      let name = try entry.optional("vm-name", as: VMName.self)
      let xml = try entry.optional("xml", as: String.self)
      let isTransient = try entry.optional("transient", as: Bool.self) ?? false
      let awaitsSSH = try entry.optional("probe-with-ssh", as: Bool.self) ?? true
      let probeHostname = try entry.optional("probe-hostname", as: HostName.self)
      let job = try entry.optional("job", as: JobName.self)
      let memory = try entry.optionalCount("memory")
      let vcpus = try entry.optionalCount("vcpus")
      if memory == 0 || vcpus == 0 {
        throw entry.error("expected at least 1", key: memory == 0 ? "memory" : "vcpus")
      }
      let vcpuMap = entry.asksFor("vcpu-map") ? try entry.requiredMap("vcpu-map") : nil
      let memoryNodes = entry.asksFor("memnode-map") ? try entry.requiredMap("memnode-map") : nil
      let pciIDs = try entry.pciIDs()
      let devices = try entry.pciAddresses()
      let sharedMemory = try entry.sharedMemory()
      try found.readCommonKeys(of: &entry)
      let source: VMStart.Source
      switch (name, xml) {
      case (_, let xml?): source = .xml(xml, isTransient: isTransient)
      case (let name?, nil):
        guard !isTransient else {
          throw entry.error("a transient machine is started from 'xml'", key: "transient", code: .missing)
        }
        source = .defined(name)
      case (nil, nil): throw entry.error("one of 'vm-name' and 'xml' is required", code: .missing)
      }
      var start = VMStart(
        source: source, name: name, memoryKiB: memory, vcpus: vcpus, awaitsSSH: awaitsSSH,
        probeHostname: probeHostname?.rawValue)
      start.job = job
      start.vcpuMap = vcpuMap
      start.memoryNodes = memoryNodes
      start.pciIDs = pciIDs
      start.devices = devices
      start.sharedMemory = sharedMemory
      return start
    }
    findings = found
    return try nonEmpty(entries, "vm-configurations", reader)
  }

  private static func readStop(
    _ reader: inout MappingReader, _ findings: inout TaskFindings
  ) throws(YAMLError) -> [VMStop] {
    var found = findings
    let entries = try reader.list("list") { entry throws(YAMLError) -> VMStop in
      try found.readCommonKeys(of: &entry)
      let name = try entry.optional("vm-name", as: VMName.self)
      let pattern = try entry.optional("regex", as: NamePattern.self)
      let isForced = try entry.optional("force") ?? false
      let undefines = try entry.optional("undefine") ?? false
      let stray = try entry.optional("stray", as: String.self)
      if let name { return VMStop(vm: name, isForced: isForced, undefines: undefines, strayUUID: stray) }
      guard stray == nil else { throw entry.error("'vm-name' is required beside it", key: "stray", code: .missing) }
      guard let pattern else { throw entry.error("one of 'vm-name' and 'regex' is required", code: .missing) }
      return VMStop(matching: pattern, isForced: isForced, undefines: undefines)
    }
    findings = found
    return try nonEmpty(entries, "list", reader)
  }

  private static func readNames(
    _ reader: inout MappingReader, _ findings: inout TaskFindings
  ) throws(YAMLError) -> [VMName] {
    var found = findings
    let entries = try reader.list("list") { entry throws(YAMLError) -> VMName in
      try found.readCommonKeys(of: &entry)
      return try entry.required("vm-name")
    }
    findings = found
    return try nonEmpty(entries, "list", reader)
  }

  /// One machine at the top level, as the seed has it, or a list of them.
  private static func readRepin(
    _ reader: inout MappingReader, _ findings: inout TaskFindings
  ) throws(YAMLError) -> [VMRepin] {
    var found = findings
    let entries = try reader.list("list") { entry throws(YAMLError) -> VMRepin in
      try found.readCommonKeys(of: &entry)
      return VMRepin(vm: try entry.required("vm-name"), map: try entry.requiredMap("vcpu-map"))
    }
    findings = found
    if entries != nil { return try nonEmpty(entries, "list", reader) }
    return [VMRepin(vm: try reader.required("vm-name"), map: try reader.requiredMap("vcpu-map"))]
  }

  private static func readMigrate(
    _ reader: inout MappingReader, _ findings: inout TaskFindings
  ) throws(YAMLError) -> VMMigration {
    var migration = VMMigration(
      vm: try reader.required("vm-name"), destination: try reader.required("destination"))
    let transport: LibvirtTransport? = reader.asksFor("transport") ? try reader.required("transport") : nil
    if var parameter = try reader.reader("parameter") {
      migration.type = try parameter.optional("migration-type")
      migration.retries = try parameter.retries()
      try findings.readDriver(of: &parameter)
      migration.tuning = try MigrationTuning(&parameter)
      migration.partner = try readPartner(&parameter)
      reader.absorb(parameter)
    }
    migration.tuning.transport = migration.tuning.transport ?? transport
    return migration
  }

  /// A mapping, or only the machine's name.
  private static func readPartner(_ parameter: inout MappingReader) throws(YAMLError) -> SwapPartner? {
    let key = "swap-with"
    guard parameter.asksFor(key) else { return nil }
    if case .scalar? = parameter.node(key)?.kind { return SwapPartner(vm: try parameter.required(key)) }
    guard var reader = try parameter.reader(key) else { return nil }
    let partner = SwapPartner(
      vm: try reader.required("vm-name"), hookProcesses: try reader.hookProcesses(),
      vcpuMap: reader.asksFor("vcpu-map") ? try reader.requiredMap("vcpu-map") : nil)
    parameter.absorb(reader)
    return partner
  }

  private static func readEvacuate(
    _ reader: inout MappingReader, _ findings: inout TaskFindings
  ) throws(YAMLError) -> NodeEvacuation {
    var evacuation = NodeEvacuation(destinations: try reader.optional("destinations") ?? [])
    evacuation.hosts = try reader.optional("hosts") ?? []
    evacuation.isDryRun = try reader.optional("dry-run") ?? false
    guard var parameter = try reader.reader("parameter") else { return evacuation }
    evacuation.mode = try parameter.optional("mode")
    evacuation.migrationType = try parameter.optional("migration-type")
    evacuation.overbooking = try parameter.optional("overbooking")
    evacuation.cpuRatio = try parameter.optional("cpu-ratio")
    if let ratio = evacuation.cpuRatio, !(1...1000).contains(ratio) {
      throw parameter.error("expected 1 to 1000", key: "cpu-ratio")
    }
    evacuation.bestEffort = try parameter.optional("best-effort")
    evacuation.deadline = try parameter.deadline()
    evacuation.retries = try parameter.retries()
    try findings.readDriver(of: &parameter)
    evacuation.tuning = try MigrationTuning(&parameter)
    if evacuation.tuning.vcpuMap != nil {
      throw parameter.error("a map belongs to one machine: migrate it by itself", key: "vcpu-map")
    }
    reader.absorb(parameter)
    return evacuation
  }

  static func nonEmpty<Entry>(
    _ entries: [Entry]?, _ key: String, _ reader: MappingReader
  ) throws(YAMLError) -> [Entry] {
    guard let entries, !entries.isEmpty else {
      throw YAMLError(.missing, "required, expected a list with at least one entry", at: reader.mark, path: key)
    }
    guard entries.count <= 10_000 else {
      throw YAMLError(.limit, "more than 10000 entries", at: reader.mark, path: key)
    }
    return entries
  }
}
