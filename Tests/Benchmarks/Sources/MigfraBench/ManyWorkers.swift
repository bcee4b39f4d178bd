import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto

/// The workers of a whole cluster in one client: each reports its host, and has done a migration as soon as it is asked.
final class ManyWorkers: Sendable {
  let bus: MosquittoBus
  private let messages: AsyncStream<BusMessage>
  private let reports: [HostReport]

  /// Each host is half full, so that what is evacuated has where to go.
  init(hosts: Int, vmsEach: Int, _ address: BrokerAddress) async throws {
    reports = (0..<hosts).map { host in
      HostReport(
        host: HostName(rawValue: "host\(host)"), presence: .online, epoch: 1, version: "bench",
        capacity: HostCapacity(memoryKiB: vmsEach * 2 << 20, cpus: vmsEach * 4), hypervisor: "none",
        vms: (0..<vmsEach).map { vm in
          VirtualMachine(
            name: VMName(rawValue: "vm\(host)-\(vm)"), uuid: UUID().uuidString.lowercased(), state: .running,
            memoryKiB: 1 << 20, vcpus: 2)
        })
    }
    let client = try await Caller("workers", ["fast/migfra/+/task"], address)
    bus = client.bus
    messages = client.messages
    for report in reports { try await publish(report) }
  }

  /// Answers tasks until the connection ends.
  func serve() async throws {
    var reports = Dictionary(self.reports.map { ($0.host, $0) }) { first, _ in first }
    for await message in messages {
      let task = try TaskMessage.decode(message.payload)
      guard case .migrate(let wish) = task.body, let host = Topics.host(of: message.topic) else { continue }
      if let index = reports[host]?.vms.firstIndex(where: { $0.name == wish.vm }),
        let vm = reports[host]?.vms.remove(at: index)
      {
        reports[wish.destination]?.vms.append(vm)
        for place in [wish.destination, host] {
          reports[place]?.sequence += 1
          if let report = reports[place] { try await publish(report) }
        }
      }
      let result = TaskResult(
        title: .vmMigrated, id: task.id, scheduler: host.rawValue, entries: [VMOutcome(vm: wish.vm, details: "0")])
      try await bus.publish(
        BusMessage(
          topic: message.responseTopic ?? Topics.result(host), payload: result.encoded(),
          correlationData: message.correlationData))
    }
  }

  private func publish(_ report: HostReport) async throws {
    try await bus.publish(
      BusMessage(topic: Topics.state(report.host), payload: report.encoded(), isRetained: true))
  }
}
