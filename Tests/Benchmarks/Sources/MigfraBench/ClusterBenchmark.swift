import ArgumentParser
import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto

/// A coordinator with thousands of hosts behind a real broker.
///
/// One client plays all workers and answers at once, so that what is measured is ours: hearing, planning, saving to
/// disk, sending, publishing.
struct ClusterBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cluster", abstract: "A coordinator of many hosts: time to ready, idle, migrations a second.")

  @Option(help: "Hosts.")
  var hosts = 1000

  @Option(help: "Virtual machines on each.")
  var vms = 20

  @Option(help: "Hosts that are emptied at the same time.")
  var evacuations = 20

  @Option(help: ArgumentHelp("Where migfra-coordinator is.", valueName: "folder"))
  var programs = ".build/release"

  func run() async throws {
    let clock = ContinuousClock()
    let broker = try LocalBroker()
    defer { broker.end() }
    let workers = try await ManyWorkers(hosts: hosts, vmsEach: vms, broker.address)
    let serving = Task { try await workers.serve() }
    let client = try await Caller(
      "client", [Topics.coordinatorState, Topics.coordinatorResult, "bench/raw"], broker.address)

    let first = clock.now
    var coordinator = try start(broker)
    defer { kill(coordinator.processIdentifier, SIGKILL) }
    try await workers.awaitPlan(client)
    let ready = clock.now - first
    let (idleBefore, memoryIdle) = (try coordinator.processorSeconds(), try coordinator.residentMiB())
    try await Task.sleep(for: .seconds(10))
    let idle = try coordinator.processorSeconds() - idleBefore

    let before = try coordinator.processorSeconds()
    let began = clock.now
    for host in 0..<evacuations {
      let task = TaskMessage(
        id: TaskID(rawValue: "e\(host)"), host: HostName(rawValue: "host\(host)"),
        body: .evacuate(NodeEvacuation()))
      try await workers.bus.publish(BusMessage(topic: Topics.coordinatorTask, payload: task.encoded()))
    }
    var left = evacuations
    for await message in client.messages where message.topic == Topics.coordinatorResult {
      let result = try TaskResult.decode(message.payload)
      guard result.status == .success else { throw ValidationError("not evacuated: \(result.details ?? "")") }
      left -= 1
      if left == 0 { break }
    }
    let seconds = Self.seconds(clock.now - began)
    let busy = try coordinator.processorSeconds() - before
    let memoryBusy = try coordinator.residentMiB()
    let moves = Double(evacuations * vms)
    let raw = try await rawRate(workers.bus, client, bytes: vms * 160)

    kill(coordinator.processIdentifier, SIGKILL)
    coordinator.waitUntilExit()
    try await client.awaitMessage(on: Topics.coordinatorState)
    let again = clock.now
    coordinator = try start(broker)
    try await workers.awaitPlan(client)
    let readyAgain = clock.now - again
    serving.cancel()

    print("| \(hosts) hosts, \(hosts * vms) virtual machines | |\n|---|---:|")
    print("| start to first plan | \(text(Self.seconds(ready))) s |")
    print("| killed and started again, to first plan | \(text(Self.seconds(readyAgain))) s |")
    print("| processor time of 10 idle seconds | \(Int(idle * 1000)) ms |")
    print("| resident memory, idle; after the evacuations | \(memoryIdle); \(memoryBusy) MiB |")
    print("| \(evacuations) evacuations at once, \(Int(moves)) migrations | \(text(seconds)) s |")
    print("| migrations a second; processor time of one | \(Int(moves / seconds)); \(text(busy / moves * 1000)) ms |")
    print("| the broker alone: messages of a report's size a second, one sender, one reader | \(Int(raw)) |")
  }

  private func start(_ broker: LocalBroker) throws -> Process {
    try Process.started(
      "\(programs)/migfra-coordinator",
      [
        "--broker", "127.0.0.1:\(broker.address.port)", "--log-level", "error",
        "--state-directory", broker.folder.appending(path: "state").path,
      ])
  }

  /// Messages a second.
  private func rawRate(_ sender: MosquittoBus, _ reader: Caller, bytes: Int) async throws -> Double {
    let clock = ContinuousClock()
    let (count, payload) = (5000, [UInt8](repeating: 0x61, count: bytes))
    let began = clock.now
    async let sending: Void = {
      for _ in 0..<count { try await sender.publish(BusMessage(topic: "bench/raw", payload: payload)) }
    }()
    for _ in 0..<count { try await reader.awaitMessage(on: "bench/raw") }
    try await sending
    return Double(count) / Self.seconds(clock.now - began)
  }

  private static func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }

  private func text(_ value: Double) -> String { String(format: "%.2f", value) }
}

extension ManyWorkers {
  /// Returns when a coordinator has come and has answered what it would do to empty a host.
  fileprivate func awaitPlan(_ client: Caller) async throws {
    for await message in client.messages where message.topic == Topics.coordinatorState {
      if try CoordinatorReport.decode(message.payload).isOnline { break }
    }
    let task = TaskMessage(
      id: TaskID(rawValue: UUID().uuidString), host: HostName(rawValue: "host0"),
      body: .evacuate(NodeEvacuation(isDryRun: true)))
    try await bus.publish(BusMessage(topic: Topics.coordinatorTask, payload: task.encoded()))
    for await message in client.messages where message.topic == Topics.coordinatorResult {
      let result = try TaskResult.decode(message.payload)
      guard result.status == .success else { throw ValidationError("no plan: \(result.details ?? "")") }
      return
    }
    throw CancellationError()
  }
}
