import YAML
import Yams

/// `migrate`: the task a worker gets most.
struct MigrateMessage: BenchMessage {
  struct Parameter: Codable, Equatable {
    enum CodingKeys: String, CodingKey {
      case retryCounter = "retry-counter"
      case migrationType = "migration-type"
      case rdmaMigration = "rdma-migration"
      case pscomHookProcs = "pscom-hook-procs"
      case vcpuMap = "vcpu-map"
    }

    var retryCounter: Int
    var migrationType: String
    var rdmaMigration: Bool
    var pscomHookProcs: Int?
    var vcpuMap: [[Int]]?
  }

  enum CodingKeys: String, CodingKey {
    case host, task, id
    case vmName = "vm-name"
    case destination
    case timeMeasurement = "time-measurement"
    case parameter
  }

  var host: String
  var task: String
  var id: String
  var vmName: String
  var destination: String
  var timeMeasurement: Bool?
  var parameter: Parameter

  static let text = """
    ---
    host: node-017
    task: migrate vm
    id: 3f0c2a9e-5d1b-4c1e-9b57-0d6a1c2e8f44
    vm-name: vm-0042
    destination: node-018
    time-measurement: true
    parameter:
      retry-counter: 3
      migration-type: live
      rdma-migration: false
      pscom-hook-procs: 4
      vcpu-map: [[4],[5],[6,7]]

    """
}

extension MigrateMessage {
  init(_ reader: inout MappingReader) throws(YAMLError) {
    host = try reader.required("host")
    task = try reader.required("task")
    id = try reader.required("id")
    vmName = try reader.required("vm-name")
    destination = try reader.required("destination")
    timeMeasurement = try reader.optional("time-measurement")
    guard var parameter = try reader.reader("parameter") else { throw reader.error("required", key: "parameter") }
    self.parameter = Parameter(
      retryCounter: try parameter.required("retry-counter"), migrationType: try parameter.required("migration-type"),
      rdmaMigration: try parameter.required("rdma-migration"),
      pscomHookProcs: try parameter.optional("pscom-hook-procs"), vcpuMap: try parameter.optional("vcpu-map"))
    reader.absorb(parameter)
  }

  init(_ node: Yams.Node) throws {
    host = try node.required("host", \.string)
    task = try node.required("task", \.string)
    id = try node.required("id", \.string)
    vmName = try node.required("vm-name", \.string)
    destination = try node.required("destination", \.string)
    timeMeasurement = try node.optional("time-measurement", \.bool)
    let parameter = try node.required("parameter") { $0 }
    self.parameter = Parameter(
      retryCounter: try parameter.required("retry-counter", \.int),
      migrationType: try parameter.required("migration-type", \.string),
      rdmaMigration: try parameter.required("rdma-migration", \.bool),
      pscomHookProcs: try parameter.optional("pscom-hook-procs", \.int),
      vcpuMap: try parameter.list("vcpu-map") { cpus in
        guard let cpus = cpus.sequence else { throw Unreadable(key: "vcpu-map") }
        return try cpus.map { cpu in
          guard let cpu = cpu.int else { throw Unreadable(key: "vcpu-map") }
          return cpu
        }
      })
  }

  var yaml: YAMLNode {
    var entries: [(String, YAMLNode)] = [
      ("host", .string(host)), ("task", .string(task)), ("id", .string(id)), ("vm-name", .string(vmName)),
      ("destination", .string(destination)),
    ]
    if let timeMeasurement { entries.append(("time-measurement", .boolean(timeMeasurement))) }
    var inner: [(String, YAMLNode)] = [
      ("retry-counter", .integer(parameter.retryCounter)), ("migration-type", .string(parameter.migrationType)),
      ("rdma-migration", .boolean(parameter.rdmaMigration)),
    ]
    if let processes = parameter.pscomHookProcs { inner.append(("pscom-hook-procs", .integer(processes))) }
    if let map = parameter.vcpuMap {
      inner.append(("vcpu-map", .flow(map.map { cpus in .flow(cpus.map { .integer($0) }) })))
    }
    entries.append(("parameter", .mapping(inner)))
    return .mapping(entries)
  }
}
