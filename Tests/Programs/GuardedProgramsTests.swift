import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto
import TestSupport
import Testing

/// The programs, each with its own key, at a broker as it is shipped; the hosts are simulated.
private final class GuardedCluster: Sendable {
  typealias Client = GuardedBroker.Client

  static let scheduler = Client(.scheduler, "slurm")
  static let anna = Client(.operator, "anna")
  static let vm1 = Client(.guest, "vm1")

  let broker: GuardedBroker
  private let coordinator: ChildProcess
  private let workers: [ChildProcess]
  /// The scheduler's connection.
  private let bus: MosquittoBus
  private let heard = EventLog()

  init(hosts: [String]) async throws {
    let hosts = hosts.map { Client(.host, $0) }
    let coordinatorKey = Client(.coordinator, "coordinator")
    broker = try await GuardedBroker(keys: hosts + [coordinatorKey, Self.scheduler, Self.anna, Self.vm1])
    let folder = broker.folder
    for client in hosts + [coordinatorKey, Self.anna, Self.vm1] {
      try folder.write(
        """
        host: \(client.name)
        state-directory: \(folder.file("state-\(client.name)"))
        hypervisor: {type: dummy, cluster-directory: \(folder.file("cluster"))}
        capacity: {memory: 8388608, cpus: 16}
        log: {level: trace}
        \(broker.configuration(of: client))
        """, to: "\(client.name).conf")
    }
    func start(_ program: String, _ client: Client) throws -> ChildProcess {
      try Programs.start(
        program, ["-c", folder.file("\(client.name).conf")], output: folder.file("\(client.name).log"))
    }
    coordinator = try start("migfra-coordinator", coordinatorKey)
    workers = try hosts.map { try start("migfra-worker", $0) }
    bus = try MosquittoBus(
      session: BusSession(
        clientID: "slurm", subscriptions: ["fast/migfra/+/result", "fast/migfra/+/state", "fast/coordinator/#"]),
      broker: broker.address(of: Self.scheduler))
    try bus.start(heard.handler)
    try await eventually("reports of all") { [heard] in
      Set(hosts.map { Topics.state(HostName(rawValue: $0.name)) } + [Topics.coordinatorState])
        .isSubset(of: heard.messages.map(\.topic))
    }
  }

  func log(_ name: String) -> String { broker.folder.read("\(name).log") }

  /// The scheduler asks a host, and gets the answer on the host's result topic.
  func ask(_ host: HostName, _ task: String, id: String, responseTopic: String? = nil) async throws -> TaskResult {
    try await ask(Topics.task(host), task, id: id, responseTopic: responseTopic, answer: Topics.result(host))
  }

  func askCoordinator(_ task: String, id: String, responseTopic: String? = nil) async throws -> TaskResult {
    try await ask(
      Topics.coordinatorTask, task, id: id, responseTopic: responseTopic, answer: Topics.coordinatorResult)
  }

  private func ask(
    _ topic: String, _ task: String, id: String, responseTopic: String?, answer: String
  ) async throws -> TaskResult {
    try await bus.publish(
      BusMessage(topic: topic, payload: Array("{id: \(id), \(task)}".utf8), responseTopic: responseTopic))
    return try await eventually("answer to \(id)", within: .seconds(20)) { [heard] in
      heard.messages.filter { $0.topic == answer }.compactMap { try? TaskResult.decode($0.payload) }
        .first { $0.id == TaskID(rawValue: id) }
    }
  }

  /// What anna's `migfra` says.
  func migfra(_ arguments: String...) async throws -> Programs.Output {
    let scratch = try TemporaryFolder()
    let child = try Programs.start(
      "migfra", arguments + ["-c", broker.folder.file("anna.conf")], output: scratch.file("output"))
    return Programs.Output(status: try await child.wait(), text: scratch.read("output"))
  }

  func end() async throws {
    await bus.close(farewell: nil)
    for child in workers + [coordinator] {
      try await child.end(with: SIGTERM)
      #expect(child.exitCode == 0)
    }
  }
}

@Suite(
  "The programs with their keys at the broker as shipped",
  .requiresMosquitto, .requiresOpenSSL, .timeLimit(.minutes(10)))
struct GuardedProgramsTests {
  @Test("hosts are emptied, single machines moved, jobs asked, and tasks handed over, with the rights as shipped")
  func everything() async throws {
    let cluster = try await GuardedCluster(hosts: ["node1", "node2", "node3"])
    for number in 1...3 {
      let xml = "<domain><name>vm\(number)</name><memory unit='MiB'>8</memory><vcpu>1</vcpu></domain>"
      let started = try await cluster.ask(
        "node1", "task: start vm, vm-configurations: [{xml: \"\(xml)\", probe-with-ssh: false}]", id: "start\(number)")
      #expect(started.entries.first?.isSuccess == true, "\(started)")
    }
    try await eventually("report of three machines") {
      try await cluster.migfra("vms").text.split(separator: "running").count == 4
    }

    // Over the coordinator.
    let evacuation = try await cluster.migfra("evacuate", "node1")
    #expect(evacuation.status == 0, "\(evacuation.text) \(cluster.log("coordinator"))")
    #expect(evacuation.text.contains("node1 is DRAINED: 3 moved"), "\(evacuation.text)")
    // By the worker that is asked, with the answer on the visitor's own topic.
    let host = try #require(
      try await cluster.migfra("vms").text.split(separator: "\n").first { $0.hasPrefix("vm1 ") }?
        .split(separator: " ")[1])
    let migration = try await cluster.migfra("migrate", "vm1", "node1")
    #expect(migration.status == 0 && migration.text.contains("Moved"), "\(migration.text) \(cluster.log(String(host)))")
    // Handed over by the worker that is asked.
    let handedOver = try await cluster.ask("node1", "task: evacuate node", id: "over")
    #expect(handedOver.status == .success, "\(handedOver) \(cluster.log("node1"))")
    #expect(try await cluster.migfra("history").status == 0)
    let restored = try await cluster.migfra("restore", "node1")
    #expect(restored.status == 0, "\(restored.text)")

    // With a job's process in it.
    let agentLog = EventLog()
    let agent = try MosquittoBus(
      session: BusSession(clientID: "agent", subscriptions: [TopicFilter(PscomTopics.anyRequest("vm1"))]),
      broker: cluster.broker.address(of: GuardedCluster.vm1))
    try agent.start(agentLog.handler)
    try await agent.publish(
      BusMessage(
        topic: PscomTopics.state("vm1", "7"), payload: PscomProcessReport(.running).encoded(), isRetained: true))
    async let moved = cluster.ask(
      "node1",
      "task: migrate vm, time-measurement: true, vm-name: vm1, destination: node2, parameter: {pscom-hook-procs: 1}",
      id: "job")
    for (number, request) in [PscomRequest.suspend, .resume].enumerated() {
      try await eventually("request to \(request)") { agentLog.messages.count == number + 1 }
      try await agent.publish(
        BusMessage(topic: PscomTopics.response("vm1", "7"), payload: PscomAnswer(request).encoded()))
    }
    let result = try await moved
    #expect(result.entries.first?.isSuccess == true, "\(result)")
    #expect(result.entries.first?.times.contains { $0.tag == "pscom-suspend-vm1" } == true, "\(result)")
    await agent.close(farewell: nil)

    try await cluster.end()
    // Whatever was refused would be in the broker's own words.
    #expect(!cluster.broker.log.contains("Denied"), "\(cluster.broker.log)")
    for name in ["node1", "node2", "node3", "coordinator"] {
      #expect(!cluster.log(name).lowercased().contains("not authorized"), "\(cluster.log(name))")
    }
  }

  @Test(
    "a worker that may not write to the topic that was wanted answers on the usual one, and so does the coordinator")
  func responseTopics() async throws {
    let cluster = try await GuardedCluster(hosts: ["node1"])
    let started = try await cluster.ask(
      "node1", "task: suspend vm, list: [{vm-name: nobody}]", id: "a", responseTopic: "fast/migfra/node2/result")
    #expect(started.id == "a")
    let cordoned = try await cluster.askCoordinator(
      "task: cordon node, host: node1", id: "b", responseTopic: "elsewhere/7")
    #expect(cordoned.status == .success, "\(cordoned) \(cluster.log("coordinator"))")
    #expect(cluster.log("node1").contains("the broker refused a response topic"), "\(cluster.log("node1"))")
    #expect(cluster.log("coordinator").contains("the broker refused a response topic"))
    try await cluster.end()
  }

  @Test("a host that speaks for another on its own topic is not believed")
  func impostor() async throws {
    let cluster = try await GuardedCluster(hosts: ["node1", "node2"])
    let impostor = try MosquittoBus(
      session: BusSession(clientID: "impostor", subscriptions: [], expiry: .zero),
      broker: cluster.broker.address(of: .init(.host, "node2")))
    try impostor.start { _ in }
    for (host, topic) in [("node1", "node2"), ("node9", "node2")] as [(HostName, HostName)] {
      let report = HostReport(
        host: host, presence: .online, epoch: .max, sequence: 1, capacity: HostCapacity(memoryKiB: 1 << 40, cpus: 1000))
      try await impostor.publish(
        BusMessage(topic: Topics.state(topic), payload: report.encoded(), isRetained: true))
      let hosts = try await cluster.migfra("hosts")
      #expect(hosts.text.contains("the report says that it is of \(host)"), "\(hosts.text)")
      #expect(!hosts.text.contains("1000"), "\(hosts.text)")
      #expect(hosts.text.split(separator: "\n").count { $0.hasPrefix("node") } == 1, "\(hosts.text)")
    }
    try await eventually("coordinator's word") {
      cluster.log("coordinator").contains("the report says that it is of node9")
    }
    await impostor.close(farewell: nil)
    try await cluster.end()
  }

  @Test("the guest agent connects with its key and takes its requests")
  func agent() async throws {
    let cluster = try await GuardedCluster(hosts: ["node1"])
    let folder = cluster.broker.folder
    let agent = try Programs.start(
      "migfra-guest-agent", ["-c", folder.file("vm1.conf")], output: folder.file("vm1.log"))
    try await eventually("connection") { cluster.log("vm1").contains("connected to the broker") }
    let heard = EventLog()
    let worker = try MosquittoBus(
      session: BusSession(
        clientID: "test", subscriptions: [TopicFilter(PscomTopics().anyResponse)], expiry: .zero),
      broker: cluster.broker.address(of: .init(.host, "node1")))
    try worker.start(heard.handler)
    try await eventually("connection") { heard.connections.count == 1 }
    try await worker.publish(
      BusMessage(topic: PscomTopics().request("vm1", "1"), payload: PscomRequest.suspend.encoded(as: .seed)))
    try await eventually("answer") { heard.messages.contains { $0.topic == PscomTopics.response("vm1", "1") } }
    await worker.close(farewell: nil)
    try await agent.end(with: SIGTERM)
    #expect(agent.exitCode == 0)
    try await cluster.end()
  }
}
