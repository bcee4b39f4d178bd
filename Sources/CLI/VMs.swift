import ArgumentParser
import ClusterModel

/// `migfra vms`
struct VMs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vms", abstract: "Lists the virtual machines and where they are.")

  @OptionGroup var options: ClientOptions

  @Option(help: ArgumentHelp("Only this host's.", valueName: "host"))
  var host: String?

  private struct Row: Encodable {
    var vm: String
    var host: String
    var state: String
    var vcpus: Int
    var memoryKib: Int
    var uuid: String
    var persistent: Bool
    var processId: Int?
    var job: String?
    /// Where else the machine is, if this copy may be one too many.
    var stray: String?
    /// Whether its host's worker is there to confirm all this.
    var confirmed: Bool
  }

  func run() async throws {
    try await reporting(options) {
      let hosts = try await BusClient.visit(options) { try await $0.hosts() }
      let rows = hosts.filter { host == nil || $0.report.host.rawValue == host }.flatMap { report, node in
        report.vms.map { vm in
          Row(
            vm: vm.name.rawValue, host: report.host.rawValue, state: vm.state.rawValue, vcpus: vm.vcpus,
            memoryKib: vm.memoryKiB, uuid: vm.uuid, persistent: vm.isPersistent, processId: vm.processID,
            job: vm.job?.rawValue, stray: node?.strays.first { $0.uuid == vm.uuid }?.description,
            confirmed: report.presence == .online && report.isHypervisorReachable)
        }
      }.sorted { ($0.vm, $0.host) < ($1.vm, $1.host) }
      if options.json { return try printJSON(rows) }
      // Columns that few clusters have anything for.
      let hasJobs = rows.contains { $0.job != nil }
      let hasStrays = rows.contains { $0.stray != nil }
      var table = Table(
        ["VM", "HOST", "STATE", "VCPUS", "MEMORY", "PID", "UUID"] + (hasJobs ? ["JOB"] : [])
          + (hasStrays ? ["STRAY"] : []), rightAligned: [3, 4, 5])
      for row in rows {
        table.add(
          [
            row.vm, row.host, row.confirmed ? row.state : "\(row.state)?", "\(row.vcpus)",
            SizeText.kibibytes(row.memoryKib), row.processId.map(String.init) ?? "-", row.uuid,
          ] + (hasJobs ? [row.job ?? "-"] : []) + (hasStrays ? [row.stray ?? "-"] : []))
      }
      print(table.text)
    }
  }
}
