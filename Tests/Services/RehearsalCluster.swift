import ClusterModel
import CoordinatorServices
import DaemonKit
import Foundation
import Journal
import Logging
import MessageBus
import MigfraProtocol
import NodeWorkerServices
import TestSupport

/// The real services of coordinator and workers in this process, on a broker in memory, with simulated machines.
final class RehearsalCluster: Sendable {
  let broker = InMemoryBroker()
  let folder: TemporaryFolder
  let log = EventLog()
  let client: InMemoryBus

  init() throws {
    folder = try TemporaryFolder("migfra-rehearsal")
    client = broker.bus(BusSession(clientID: "scheduler", subscriptions: ["fast/#"]))
    try client.start(log.handler)
  }

  private func settings(_ host: HostName) -> Configuration {
    var settings = Configuration(host: host)
    settings.hypervisor.kind = .dummy
    settings.hypervisor.clusterDirectory = folder.file("cluster")
    settings.capacity.memoryKiB = 8 << 20
    settings.capacity.cpus = 16
    settings.limits.progressInterval = .milliseconds(20)
    return settings
  }

  /// No service manager.
  private var nobody: ServiceManager {
    ServiceManager(ServiceManagerSettings(environment: [:], processID: 1), logger: quiet)
  }

  private var quiet: Logger {
    var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    return logger
  }

  /// Runs a worker until the task is cancelled. Its journal is kept for the next one of that name.
  func runWorker(_ host: HostName, bytesPerSecond: Int = 1 << 34) async throws {
    let settings = settings(host)
    let journal = try TaskJournal.ofWorker(folder.file("\(host).sqlite"), leastEpoch: 1)
    let hypervisor = try SimulatedHypervisor(
      host: host, directory: folder.file("cluster"), capacity: settings.capacity, limits: settings.limits,
      bytesPerSecond: bytesPerSecond)
    let bus = broker.bus(WorkerService.session(for: settings, epoch: journal.epoch))
    try await WorkerService(
      settings: settings, bus: bus, hypervisor: hypervisor, journal: journal,
      cluster: ClusterReports { [broker] session in broker.bus(session) }, logger: quiet,
      manager: nobody
    ).run()
  }

  /// Runs the coordinator until the task is cancelled. Its journal is kept for the next one.
  func runCoordinator(epoch: UInt64 = 1) async throws {
    let settings = settings("coordinator")
    let journal = try TaskJournal.ofCoordinator(folder.file("coordinator.sqlite"), leastEpoch: epoch)
    let bus = broker.bus(CoordinatorService.session(for: settings, epoch: journal.epoch, journal: journal.name))
    try await CoordinatorService(settings: settings, bus: bus, journal: journal, logger: quiet, manager: nobody).run()
  }

  /// Runs `body` beside a coordinator and workers; then they are stopped.
  static func with(
    _ hosts: [HostName], bytesPerSecond: Int = 1 << 34, _ body: @Sendable (RehearsalCluster) async throws -> Void
  ) async throws {
    let cluster = try RehearsalCluster()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await cluster.runCoordinator() }
      for host in hosts { group.addTask { try await cluster.runWorker(host, bytesPerSecond: bytesPerSecond) } }
      try await eventually("reports of all hosts") { hosts.allSatisfy { cluster.report(of: $0) != nil } }
      try await body(cluster)
      group.cancelAll()
    }
  }

  // MARK: - The scheduler's side

  func publish(_ text: String, to topic: String, responseTopic: String? = nil) async throws {
    try await client.publish(BusMessage(topic: topic, payload: Array(text.utf8), responseTopic: responseTopic))
  }

  func messages(on topic: String) -> [String] {
    log.messages.filter { $0.topic == topic }.map { String(decoding: $0.payload, as: UTF8.self) }
  }

  /// Sends a task to a host and returns the next answer on its result topic.
  func ask(_ host: HostName, _ text: String) async throws -> String {
    let before = messages(on: Topics.result(host)).count
    try await publish(text, to: Topics.task(host))
    return try await eventually("answer of \(host) to \(text)") {
      let all = messages(on: Topics.result(host))
      return all.count > before ? all[before] : nil
    }
  }

  func startMachines(_ count: Int, on host: HostName, mebibytes: Int = 64) async throws {
    for number in 1...count {
      let xml = "<domain><name>vm\(number)</name><memory unit='MiB'>\(mebibytes)</memory><vcpu>1</vcpu></domain>"
      let answer = try await ask(
        host, "task: start vm\nvm-configurations:\n- xml: \"\(xml)\"\n  probe-with-ssh: false\n")
      guard answer.contains("status: success") else { throw Unexpected(description: answer) }
    }
    try await eventually("report of \(count) machines") { report(of: host)?.activeVMs.count == count }
  }

  /// The host's retained report.
  func report(of host: HostName) -> HostReport? {
    broker.retained[Topics.state(host)].flatMap { try? HostReport.decode($0.payload) }
  }

  var coordinator: CoordinatorReport? {
    broker.retained[Topics.coordinatorState].flatMap { try? CoordinatorReport.decode($0.payload) }
  }

  func node(_ host: HostName) -> NodeReport? {
    broker.retained[Topics.node(host)].flatMap { try? NodeReport.decode($0.payload) }
  }
}

struct Unexpected: Error, CustomStringConvertible {
  let description: String
}
