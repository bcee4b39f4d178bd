import ClusterModel
import YAML

extension TaskMessage {
  /// The message as our own programs send it: the seed's form.
  public func encoded() -> [UInt8] {
    var fields: [(String, YAMLNode)] = []
    if let host { fields.append(("host", .string(host.rawValue))) }
    fields.append(("task", .string(kind.rawValue)))
    if let id { fields.append(("id", .string(id.rawValue))) }
    if let notAfter { fields.append(("not-after", .real(notAfter, decimals: 3))) }
    if let epoch { fields.append(("epoch", .integer(epoch))) }
    if let requester { fields.append(("requester", .string(requester))) }
    if let reason, kind != .cordonNode { fields.append(("reason", .string(reason))) }
    if let driver { fields.append(("driver", .string(driver))) }
    if measuresTime { fields.append(("time-measurement", true)) }
    switch body {
    case .start(let entries): fields.append(("vm-configurations", .sequence(entries.map(\.node))))
    case .stop(let entries): fields.append(("list", .sequence(entries.map(\.node))))
    case .suspend(let names), .resume(let names):
      fields.append(("list", .sequence(names.map { .mapping([("vm-name", .string($0.rawValue))]) })))
    case .repin(let entries):
      if entries.count == 1 {
        fields += entries[0].fields
      } else {
        fields.append(("list", .sequence(entries.map { .mapping($0.fields) })))
      }
    case .hold(let hold): fields += hold.fields
    case .release(let release): fields += release.fields
    case .migrate(let migration): fields += migration.fields
    case .evacuate(let evacuation): fields += evacuation.fields
    case .restore(let restore): fields += restore.fields
    case .rearrange(let rearrangement): fields += rearrangement.fields
    case .apply(let plan): fields.append(("plan", .string(plan.rawValue)))
    case .cordon(let reason): fields.append(("reason", .string(reason)))
    case .cancel(let target), .pauseOperation(let target), .resumeOperation(let target):
      fields.append(("task-id", .string(target.rawValue)))
    case .uncordon, .quit: break
    }
    return YAML.emit(.mapping(fields))
  }
}

extension VMStart {
  fileprivate var node: YAMLNode {
    var fields: [(String, YAMLNode)] = []
    if let name { fields.append(("vm-name", .string(name.rawValue))) }
    switch source {
    case .defined(let name): if self.name == nil { fields.append(("vm-name", .string(name.rawValue))) }
    case .xml(let xml, let isTransient):
      fields.append(("xml", .string(xml)))
      if isTransient { fields.append(("transient", true)) }
    }
    if let job { fields.append(("job", .string(job.rawValue))) }
    if let memoryKiB { fields.append(("memory", .integer(memoryKiB))) }
    if let vcpus { fields.append(("vcpus", .integer(vcpus))) }
    if let vcpuMap { fields.append(("vcpu-map", .cpus(vcpuMap))) }
    if let memoryNodes { fields.append(("memnode-map", .cpus(memoryNodes))) }
    if !pciIDs.isEmpty { fields.append(("pci-ids", .sequence(pciIDs.map(\.node)))) }
    if !devices.isEmpty {
      fields.append(("devs", .sequence(devices.map { .mapping([("pci-addr", .string($0.description))]) })))
    }
    if let sharedMemory {
      fields.append(
        ("ivshmem", .mapping([("id", .string(sharedMemory.id)), ("size", .integer(sharedMemory.sizeMiB))])))
    }
    if !awaitsSSH { fields.append(("probe-with-ssh", false)) }
    if let probeHostname { fields.append(("probe-hostname", .string(probeHostname))) }
    return .mapping(fields)
  }
}

extension VMStop {
  fileprivate var node: YAMLNode {
    var fields: [(String, YAMLNode)] = [(pattern == nil ? "vm-name" : "regex", .string(vm.rawValue))]
    if isForced { fields.append(("force", true)) }
    if undefines { fields.append(("undefine", true)) }
    if let strayUUID { fields.append(("stray", .string(strayUUID))) }
    return .mapping(fields)
  }
}

extension VMRepin {
  fileprivate var fields: [(String, YAMLNode)] {
    [("vm-name", .string(vm.rawValue)), ("vcpu-map", .cpus(map))]
  }
}

extension VMMigration {
  fileprivate var fields: [(String, YAMLNode)] {
    var parameter: [(String, YAMLNode)] = []
    if let retries { parameter.append(("retry-counter", .integer(retries))) }
    if let type { parameter.append(("migration-type", .string(type.rawValue))) }
    parameter += tuning.fields
    if let partner { parameter.append(("swap-with", partner.node)) }
    let own: [(String, YAMLNode)] = [
      ("vm-name", .string(vm.rawValue)), ("destination", .string(destination.rawValue)),
    ]
    return parameter.isEmpty ? own : own + [("parameter", .mapping(parameter))]
  }
}

extension SwapPartner {
  fileprivate var node: YAMLNode {
    var fields: [(String, YAMLNode)] = [("vm-name", .string(vm.rawValue))]
    if let hookProcesses { fields.append(("pscom-hook-procs", hookProcesses.node)) }
    if let vcpuMap { fields.append(("vcpu-map", .cpus(vcpuMap))) }
    return .mapping(fields)
  }
}

extension NodeEvacuation {
  fileprivate var fields: [(String, YAMLNode)] {
    var parameter: [(String, YAMLNode)] = []
    if let retries { parameter.append(("retry-counter", .integer(retries))) }
    if let mode { parameter.append(("mode", .string(mode.rawValue))) }
    if let migrationType { parameter.append(("migration-type", .string(migrationType.rawValue))) }
    if let overbooking { parameter.append(("overbooking", .boolean(overbooking))) }
    if let cpuRatio { parameter.append(("cpu-ratio", .real(cpuRatio))) }
    if let bestEffort { parameter.append(("best-effort", .boolean(bestEffort))) }
    if let deadline { parameter += deadline.fields }
    parameter += tuning.fields
    var fields: [(String, YAMLNode)] = []
    if !hosts.isEmpty { fields.append(("hosts", .sequence(hosts.map { .string($0.rawValue) }))) }
    if !destinations.isEmpty {
      fields.append(("destinations", .sequence(destinations.map { .string($0.rawValue) })))
    }
    if isDryRun { fields.append(("dry-run", true)) }
    return parameter.isEmpty ? fields : fields + [("parameter", .mapping(parameter))]
  }
}
