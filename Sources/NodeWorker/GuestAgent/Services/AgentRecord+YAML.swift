import ClusterModel
public import GuestAgentCore
import MigfraProtocol
public import YAML

extension AgentRecord.State: YAMLReadable {}

extension AgentRecord {
  func encoded() -> [UInt8] {
    let processes = processes.map { process in
      YAMLNode.mapping([
        ("process", .integer(process.identity.pid)), ("start-time", .integer(process.identity.startTime)),
        ("state", .string(process.state.rawValue)),
      ])
    }
    let stale = stale.map { announcement in
      YAMLNode.mapping([("vm-name", .string(announcement.vm.rawValue)), ("process", .integer(announcement.pid))])
    }
    return YAML.emit(
      .mapping([
        ("vm-name", .string(vm.rawValue)), ("boot", .string(boot)), ("processes", .sequence(processes)),
        ("stale-announcements", .sequence(stale)),
      ]))
  }

  static func decode(_ bytes: [UInt8]) throws(YAMLError) -> AgentRecord {
    var reader = try MappingReader(try YAML.parse(bytes, limits: .configuration))
    let vm: VMName = try reader.required("vm-name")
    let boot: String = try reader.required("boot")
    let processes = try reader.list("processes") { item throws(YAMLError) in
      Process(
        ProcessIdentity(pid: try item.required("process"), startTime: try item.required("start-time")),
        try item.required("state"))
    }
    let stale = try reader.list("stale-announcements") { item throws(YAMLError) in
      Announcement(vm: try item.required("vm-name"), pid: try item.required("process"))
    }
    return AgentRecord(vm: vm, boot: boot, processes: processes ?? [], stale: stale ?? [])
  }
}
