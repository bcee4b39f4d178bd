import ArgumentParser
import ClusterModel

/// `migfra hosts`
struct Hosts: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the hosts, what they offer, what is used, and whether they take arrivals.")

  @OptionGroup var options: ClientOptions

  private struct Row: Encodable {
    var host: String
    var state: String
    var reason: String?
    var worker: String
    var hypervisor: String
    var hypervisorReachable: Bool
    var vms: Int
    var vcpus: Int
    var cpus: Int
    var memoryUsedKib: Int
    var memoryKib: Int

    init(_ report: HostReport, _ node: NodeReport?) {
      host = report.host.rawValue
      state = (node?.state ?? .active).rawValue
      reason = node?.reason
      worker = report.presence.rawValue
      hypervisor = report.hypervisor
      hypervisorReachable = report.isHypervisorReachable
      vms = report.activeVMs.count
      vcpus = report.activeVMs.reduce(0) { $0 + $1.vcpus }
      cpus = report.capacity.cpus
      memoryUsedKib = report.activeVMs.reduce(0) { $0 + $1.memoryKiB }
      memoryKib = report.capacity.memoryKiB
    }
  }

  func run() async throws {
    try await reporting(options) {
      let rows = try await BusClient.visit(options) { try await $0.hosts() }.map(Row.init)
      if options.json { return try printJSON(rows) }
      guard !rows.isEmpty else { return print("no host has reported: start migfra-worker on the hosts") }
      var table = Table(
        ["HOST", "STATE", "WORKER", "VMS", "VCPUS/CPUS", "MEMORY", "HYPERVISOR"], rightAligned: [3, 4, 5])
      for row in rows {
        table.add([
          row.host, row.state, row.worker, "\(row.vms)", "\(row.vcpus)/\(row.cpus)",
          share(row.memoryUsedKib, of: row.memoryKib),
          row.hypervisorReachable ? row.hypervisor : "\(row.hypervisor) (unreachable)",
        ])
      }
      print(table.text)
    }
  }
}
