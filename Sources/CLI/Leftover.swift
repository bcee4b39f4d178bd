import ClusterModel
import Foundation
import MigfraProtocol

/// A stray that the coordinator tells of, as the hosts' reports show it now.
struct Leftover {
  let host: HostName
  let copy: StrayCopy
  /// Why it is left alone; nil: its definition can be removed.
  let obstacle: String?

  /// By host, then by name.
  static func all(in hosts: [(report: HostReport, node: NodeReport?)]) -> [Leftover] {
    hosts.flatMap { report, node in
      (node?.strays ?? []).map { copy in
        Leftover(host: report.host, copy: copy, obstacle: obstacle(to: copy, on: report, hosts.map(\.report)))
      }
    }
  }

  private static func obstacle(to copy: StrayCopy, on report: HostReport, _ reports: [HostReport]) -> String? {
    guard report.presence == .online, report.isHypervisorReachable else {
      return "nobody is there to remove it: the worker of \(report.host) or its hypervisor is away"
    }
    guard let here = report.vms.first(where: { $0.uuid == copy.uuid }) else { return "it is gone by now" }
    guard here.state == .shutOff || here.state == .crashed else {
      return "it is \(here.state.rawValue): stop one by hand"
    }
    let others = reports.filter { $0.host != report.host && $0.presence == .online && $0.isHypervisorReachable }
    let active = others.flatMap(\.activeVMs).filter { $0.uuid == copy.uuid }
    guard !active.isEmpty else { return "it runs nowhere: who knows which is the right one removes the other" }
    guard active.contains(where: \.isPersistent) else {
      return "the one that runs has no definition: this is the only one"
    }
    return nil
  }

  /// What removes it.
  var order: TaskMessage.Body { .stop([VMStop(vm: copy.name, undefines: true, strayUUID: copy.uuid)]) }

  /// The task in one line: JSON is YAML, too.
  func message() throws -> String {
    let (name, uuid) = (try copy.name.rawValue.json(), try copy.uuid.json())
    return #"{"task": "stop vm", "list": [{"vm-name": \#(name), "undefine": true, "stray": \#(uuid)}]}"#
  }

  /// For a shell.
  func command() throws -> String {
    let quoted = try message().replacingOccurrences(of: "'", with: #"'\''"#)
    return "mosquitto_pub -h BROKER -q 1 -t \(Topics.task(host)) -m '\(quoted)'"
  }
}

extension String {
  /// In quotes, with what JSON wants escaped.
  fileprivate func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
