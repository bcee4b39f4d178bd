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
    /// Copies of machines that are on other hosts too.
    var strays: Int

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
      strays = node?.strays.count ?? 0
    }
  }

  func run() async throws {
    try await reporting(options) {
      let rows = try await BusClient.visit(options) { try await $0.hosts() }.map(Row.init)
      if options.json { return try printJSON(rows) }
      guard !rows.isEmpty else { return print("no host has reported: start migfra-worker on the hosts") }
      // A column that few clusters have anything for.
      let hasStrays = rows.contains { $0.strays > 0 }
      var table = Table(
        ["HOST", "STATE", "WORKER", "VMS", "VCPUS/CPUS", "MEMORY", "HYPERVISOR"] + (hasStrays ? ["STRAYS"] : []),
        rightAligned: [3, 4, 5])
      for row in rows {
        table.add(
          [
            row.host, row.state, row.worker, "\(row.vms)", "\(row.vcpus)/\(row.cpus)",
            share(row.memoryUsedKib, of: row.memoryKib),
            row.hypervisorReachable ? row.hypervisor : "\(row.hypervisor) (unreachable)",
          ] + (hasStrays ? [row.strays > 0 ? "\(row.strays)" : "-"] : []))
      }
      print(table.text)
    }
  }
}
