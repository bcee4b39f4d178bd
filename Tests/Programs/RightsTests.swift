import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto
import TestSupport
import Testing

/// What a key may write, and what it gets to read.
private struct Rights: Equatable {
  var write: Set<String>
  var read: Set<String>

  init(write: [String], read: [String]) {
    self.write = Set(write)
    self.read = Set(read)
  }
}

@Suite("The broker's rights, as shipped", .requiresMosquitto, .requiresOpenSSL, .timeLimit(.minutes(10)))
struct RightsTests {
  private typealias Client = GuardedBroker.Client

  private static let hosts: [HostName] = ["node1", "node2"]
  private static let vms: [VMName] = ["vm1", "vm2", "node1"]

  /// Every topic of the protocol, and some others.
  private static let topics: [String] =
    hosts.flatMap { host in
      [
        Topics.task(host), Topics.result(host), Topics.state(host), Topics.progress(host), Topics.reply(to: host),
        Topics.echo(host), Topics.coordinatorReply(from: host), Topics.node(host), "fast/migfra/\(host)/other",
        "fast/migfra/\(host)/state/more",
      ]
    }
    + vms.flatMap { vm in
      let pscom = PscomTopics()
      return [
        pscom.request(vm, "7"), pscom.request(vm, PscomTopics.everyProcess), PscomTopics.response(vm, "7"),
        PscomTopics.state(vm, "7"), "fast/pscom/\(vm)/7/other", "fast/pscom/\(vm)/state",
      ]
    } + [
      Topics.coordinatorTask, Topics.coordinatorResult, Topics.coordinatorState, Topics.coordinatorEcho,
      Topics.plan(PlanID(rawValue: "p1-1")), Topics.coordinatorEvent, "fast/other", "migfra/reply/7", "migfra/echo/7",
      "migfra/other", "other",
    ]

  private static func ofHost(_ host: HostName) -> Rights {
    let pscom = PscomTopics()
    return Rights(
      write: [
        Topics.state(host), Topics.result(host), Topics.progress(host), Topics.echo(host),
        Topics.coordinatorReply(from: host), Topics.coordinatorTask, "migfra/echo/7", "migfra/reply/7",
      ] + vms.flatMap { [pscom.request($0, "7"), pscom.request($0, PscomTopics.everyProcess)] },
      read: [
        Topics.task(host), Topics.reply(to: host), Topics.echo(host), Topics.coordinatorState, "migfra/echo/7",
      ] + hosts.map(Topics.state) + vms.flatMap { [PscomTopics.response($0, "7"), PscomTopics.state($0, "7")] })
  }

  private static func ofGuest(_ vm: VMName) -> Rights {
    let pscom = PscomTopics()
    return Rights(
      write: [PscomTopics.response(vm, "7"), PscomTopics.state(vm, "7")],
      read: [pscom.request(vm, "7"), pscom.request(vm, PscomTopics.everyProcess)])
  }

  private static let ofCoordinator = Rights(
    write: [
      Topics.coordinatorResult, Topics.coordinatorState, Topics.coordinatorEcho, Topics.coordinatorEvent,
      Topics.plan(PlanID(rawValue: "p1-1")), "migfra/reply/7",
    ] + hosts.flatMap { [Topics.task($0), Topics.reply(to: $0), Topics.node($0)] },
    read: [Topics.coordinatorTask, Topics.coordinatorEcho, Topics.plan(PlanID(rawValue: "p1-1"))]
      + hosts.flatMap {
        [Topics.state($0), Topics.progress($0), Topics.coordinatorReply(from: $0), Topics.node($0)]
      })

  private static let ofScheduler = Rights(
    write: hosts.map(Topics.task) + [Topics.coordinatorTask, "migfra/echo/7"],
    read: hosts.flatMap { [Topics.state($0), Topics.result($0), Topics.progress($0), Topics.node($0)] } + [
      Topics.coordinatorState, Topics.coordinatorResult, Topics.coordinatorEvent, Topics.plan(PlanID(rawValue: "p1-1")),
      "migfra/reply/7", "migfra/echo/7",
    ])

  private static let ofOperator = Rights(
    write: hosts.map(Topics.task) + [Topics.coordinatorTask, "migfra/echo/7"],
    read: topics.filter { $0.hasPrefix("fast/") } + ["migfra/reply/7", "migfra/echo/7"])

  private static let rows: [(Client, Rights)] = [
    (Client(.host, "node1"), ofHost("node1")),
    (Client(.host, "node2"), ofHost("node2")),
    (Client(.guest, "vm1"), ofGuest("vm1")),
    // Called like a host, and still a guest.
    (Client(.guest, "node1"), ofGuest("node1")),
    (Client(.coordinator, "coordinator"), ofCoordinator),
    (Client(.scheduler, "slurm"), ofScheduler),
    (Client(.operator, "anna"), ofOperator),
    // A name that means something to other listeners.
    (Client(.operator, "node1"), ofOperator),
  ]

  @Test("each key can write and read what it needs, and nothing else has any effect")
  func matrix() async throws {
    let broker = try await GuardedBroker(keys: Self.rows.map(\.0))
    let seen = EventLog()
    let witness = try bus(broker.witness, "witness", ["#"], seen)
    try await eventually("connection of the witness") { seen.connections.count == 1 }
    for (client, rights) in Self.rows {
      let heard = EventLog()
      let bus = try bus(broker.address(of: client), "client-\(client.role)-\(client.name)", ["#", "+/+/+/+"], heard)
      try await eventually("connection of \(client)") {
        if let reason = heard.reasons.first { throw ChildError(description: "\(client): \(reason); \(broker.log)") }
        return heard.connections.count == 1
      }

      // Retained or not: what is refused must not stay either.
      var accepted: Set<String> = []
      for topic in Self.topics {
        do throws(BusError) {
          try await bus.publish(
            BusMessage(topic: topic, payload: Array("by \(client)".utf8), isRetained: topic.hasSuffix("/state")))
          accepted.insert(topic)
        } catch {
          #expect(error.code == .refused, "\(client) on \(topic): \(error)")
        }
      }
      #expect(accepted == rights.write, "what \(client) is told that it may write")
      // The broker passes on in order: behind this everything that had an effect has come.
      try await witness.publish(BusMessage("end", "\(client)"))
      try await eventually("end of \(client)") { seen.texts.contains("\(client)") }
      let written = Set(seen.messages.filter { $0.payload == Array("by \(client)".utf8) }.map(\.topic))
      #expect(written == rights.write, "what others see of \(client)")

      for topic in Self.topics { try await witness.publish(BusMessage(topic, "by the witness")) }
      let last = try #require(rights.read.first)
      try await witness.publish(BusMessage(last, "to \(client)"))
      try await eventually("end for \(client)") { heard.texts.contains("to \(client)") }
      let read = Set(heard.messages.filter { $0.payload == Array("by the witness".utf8) }.map(\.topic))
      #expect(read == rights.read, "what \(client) gets to read")
      await bus.close(farewell: nil)
    }
    await witness.close(farewell: nil)
  }

  @Test("what has been kept is for those who may read it, and survives the broker's restart; so do queued tasks")
  func kept() async throws {
    let node1 = Client(.host, "node1")
    let node2 = Client(.host, "node2")
    let scheduler = Client(.scheduler, "slurm")
    let broker = try await GuardedBroker(keys: [node1, node2, scheduler])
    let worker = EventLog()
    let session = BusSession(clientID: "migfra-worker-node1", subscriptions: [TopicFilter(Topics.task("node1"))])
    let first = try bus(broker.address(of: node1), session, worker)
    try await first.publish(BusMessage(Topics.state("node1"), "kept", isRetained: true))
    await first.close(farewell: nil)
    let witness = try bus(broker.witness, "witness", [], EventLog())
    try await witness.publish(BusMessage(Topics.task("node2"), "kept", isRetained: true))
    await witness.close(farewell: nil)
    for task in ["before", "after"] {
      let client = try bus(broker.address(of: scheduler), "slurm", [], EventLog())
      try await client.publish(BusMessage(Topics.task("node1"), task))
      await client.close(farewell: nil)
      if task == "before" { try await broker.restart() }
    }
    let again = try bus(broker.address(of: node1), session, worker)
    try await eventually("both tasks") { worker.texts == ["before", "after"] }
    // What was kept may come before the word of the connection.
    try await eventually("connection with the session") { worker.connections == [false, true] }
    await again.close(farewell: nil)

    for (client, expected) in [
      (node2, [Topics.state("node1"), Topics.task("node2")]), (node1, [Topics.state("node1")]),
    ] {
      let log = EventLog()
      let late = try bus(broker.address(of: client), "late", ["#"], log)
      try await eventually("connection") { log.connections.count == 1 }
      // Behind what was kept.
      try await late.publish(BusMessage("migfra/echo/late", "end"))
      try await eventually("echo") { log.texts.contains("end") }
      #expect(log.messages.filter(\.isRetained).map(\.topic).sorted() == expected, "\(client)")
      await late.close(farewell: nil)
    }
  }

  @Test("a will is published where its owner may write, and nowhere else")
  func wills() async throws {
    let node1 = Client(.host, "node1")
    let broker = try await GuardedBroker(keys: [node1])
    let seen = EventLog()
    let witness = try bus(broker.witness, "witness", ["fast/#"], seen)
    try await eventually("connection of the witness") { seen.connections.count == 1 }
    for (number, topic) in [Topics.state("node2"), Topics.task("node2"), Topics.state("node1")].enumerated() {
      let log = EventLog()
      var session = BusSession(clientID: "migfra-worker-node1", subscriptions: [])
      session.will = BusMessage(topic, "gone", isRetained: true)
      let link = try Link(to: broker.port(of: .host))
      var address = broker.address(of: node1)
      address.port = link.port
      let bus = try bus(address, session, log)
      try await eventually("connection") { log.connections.count == 1 }
      link.close()
      try await eventually("end of the connection") {
        broker.log.split(separator: "Client migfra-worker-node1 ").count > number + 1
      }
      await bus.close(farewell: nil)
    }
    try await eventually("the will") { seen.texts.contains("gone") }
    #expect(seen.messages.map(\.topic) == [Topics.state("node1")])
    await witness.close(farewell: nil)
  }

  @Test("a key opens the listener of its role only, and nobody comes in without one")
  func listeners() async throws {
    let clients = [Client(.host, "node1"), Client(.guest, "node1"), Client(.operator, "node1")]
    let broker = try await GuardedBroker(keys: clients)
    for client in clients {
      for role in [GuardedBroker.Role.host, .guest, .operator] {
        let log = EventLog()
        let bus = try bus(broker.address(of: client, at: role), "migfra-test", [], log)
        if role == client.role {
          try await eventually("connection of \(client)") { log.connections.count == 1 }
        } else {
          try await eventually("refusal of \(client)") { !log.reasons.isEmpty }
          #expect(log.connections.isEmpty, "\(client) as \(role)")
        }
        await bus.close(farewell: nil)
      }
      var address = broker.address(of: client)
      address.tls?.certificateFile = nil
      address.tls?.keyFile = nil
      address.username = client.name
      let log = EventLog()
      let bus = try bus(address, "migfra-test", [], log)
      try await eventually("refusal without a key") { !log.reasons.isEmpty }
      #expect(log.connections.isEmpty)
      await bus.close(farewell: nil)
    }
  }

  @Test("a guest cannot end another's session by its client id")
  func guestsClientID() async throws {
    let clients = [Client(.host, "node1"), Client(.guest, "vm1"), Client(.guest, "vm2")]
    let broker = try await GuardedBroker(keys: clients)
    let worker = EventLog()
    let ofWorker = try bus(broker.address(of: clients[0]), "migfra-worker-node1", [], worker)
    let agent = EventLog()
    let ofAgent = try bus(broker.address(of: clients[1]), "migfra-guest-agent-vm1", ["fast/pscom/vm1/+/request"], agent)
    try await eventually("connections") { worker.connections.count == 1 && agent.connections.count == 1 }
    for id in ["migfra-worker-node1", "migfra-guest-agent-vm1", "vm1", "client"] {
      let log = EventLog()
      let bus = try bus(broker.address(of: clients[2]), id, [], log)
      try await eventually("connection") { log.connections.count == 1 }
      await bus.close(farewell: nil)
    }
    // Both still speak over their first connection.
    try await ofAgent.publish(BusMessage(PscomTopics.state("vm1", "7"), "running"))
    try await ofWorker.publish(BusMessage(PscomTopics().request("vm1", "7"), "suspend"))
    try await eventually("request") { agent.texts == ["suspend"] }
    #expect(worker.events.count == 1)
    #expect(agent.connections.count == 1 && agent.reasons.isEmpty && !agent.events.contains(.takenOver))
    await ofAgent.close(farewell: nil)
    await ofWorker.close(farewell: nil)
  }

  @Test("a revoked key is refused from the broker's next start on, and the name's new key is not")
  func revoked() async throws {
    let node1 = Client(.host, "node1")
    let broker = try await GuardedBroker(keys: [node1, Client(.host, "node2")])
    let keys = broker.keyFolder(of: node1)
    let refused = try await broker.makeKey(for: node1)
    #expect(refused.status == 1 && refused.text.contains("exists; to replace it: make-keys revoke"), "\(refused)")
    let stolen = try TemporaryFolder()
    for file in ["ca.pem", "cert.pem", "key.pem"] {
      try FileManager.default.copyItem(atPath: "\(keys)/\(file)", toPath: stolen.file(file))
    }
    let revocation = try await broker.makeKeys("revoke", keys)
    #expect(revocation.status == 0, "\(revocation)")
    #expect(try await broker.makeKey(for: node1).status == 0)
    try await broker.restart()
    var address = broker.address(of: node1)
    for client in [node1, Client(.host, "node2")] {
      let log = EventLog()
      let bus = try bus(broker.address(of: client), "migfra-test", [], log)
      try await eventually("connection of \(client)") { log.connections.count == 1 }
      await bus.close(farewell: nil)
    }
    address.tls = .init(
      caFile: stolen.file("ca.pem"), certificateFile: stolen.file("cert.pem"), keyFile: stolen.file("key.pem"))
    let log = EventLog()
    let bus = try bus(address, "migfra-test", [], log)
    try await eventually("refusal") { !log.reasons.isEmpty }
    #expect(log.connections.isEmpty)
    await bus.close(farewell: nil)
  }

  private func bus(_ address: BrokerAddress, _ session: BusSession, _ log: EventLog) throws -> MosquittoBus {
    let bus = try MosquittoBus(session: session, broker: address)
    try bus.start(log.handler)
    return bus
  }

  /// A visitor, who leaves no session.
  private func bus(
    _ address: BrokerAddress, _ id: String, _ subscriptions: [TopicFilter], _ log: EventLog
  ) throws -> MosquittoBus {
    try bus(address, BusSession(clientID: id, subscriptions: subscriptions, expiry: .zero), log)
  }
}

extension BusMessage {
  fileprivate init(_ topic: String, _ text: String, isRetained: Bool = false) {
    self.init(topic: topic, payload: Array(text.utf8), isRetained: isRetained)
  }
}
