import ClusterModel
import Foundation
import MessageBus
import MigfraProtocol
import Mosquitto
import TestSupport
import Testing

@Suite("migfra, the command line", .requiresMosquitto, .timeLimit(.minutes(10)))
struct CommandLineTests {
  /// A broker that keeps the reports of two hosts.
  private func brokerWithReports() async throws -> Broker {
    let broker = try await Broker.running()
    let bus = try await reporter(to: broker)
    let vm = VirtualMachine(
      name: "vm1", uuid: "7a7f6d2e-6f0c-4b3a-9d53-0a3d8a3c8e11", state: .running, memoryKiB: 2 << 20, vcpus: 2,
      processID: 4711)
    let reports = [
      HostReport(
        host: "node1", presence: .online, epoch: 1, sequence: 1, capacity: HostCapacity(memoryKiB: 64 << 20, cpus: 16),
        hypervisor: "QEMU 7.2.22", vms: [vm]),
      HostReport(host: "node2", presence: .offline, epoch: 1),
    ]
    for report in reports {
      try await bus.publish(
        BusMessage(topic: Topics.state(report.host), payload: report.encoded(), isRetained: true))
    }
    let node = NodeReport(host: "node1", state: .cordoned, reason: "disk")
    try await bus.publish(BusMessage(topic: Topics.node("node1"), payload: node.encoded(), isRetained: true))
    await bus.close(farewell: nil)
    return broker
  }

  @Test("hosts and vms show what the broker keeps, as a table and as JSON")
  func listing() async throws {
    let broker = try await brokerWithReports()
    let address = "127.0.0.1:\(broker.port)"
    let hosts = try await Programs.run("migfra", "hosts", "--broker", address)
    #expect(
      hosts.text == """
        HOST   STATE     WORKER   VMS  VCPUS/CPUS          MEMORY  HYPERVISOR
        node1  CORDONED  online     1        2/16  2 GiB / 64 GiB  QEMU 7.2.22
        node2  ACTIVE    offline    0         0/0       0 B / 0 B

        """)
    let vms = try await Programs.run("migfra", "vms", "--broker", address)
    #expect(vms.text.contains("vm1  node1  running      2   2 GiB  4711  7a7f6d2e-6f0c-4b3a-9d53-0a3d8a3c8e11"))

    let json = try await Programs.run("migfra", "hosts", "--json", "--broker", address)
    let rows = try #require(JSONSerialization.jsonObject(with: Data(json.text.utf8)) as? [[String: Any]])
    #expect(rows.map { $0["host"] as? String } == ["node1", "node2"])
    #expect(rows[0]["memory_kib"] as? Int == 64 << 20)
    #expect(rows[0]["reason"] as? String == "disk")
    #expect(rows[1]["worker"] as? String == "offline")
  }

  private func reporter(to broker: Broker) async throws -> MosquittoBus {
    let bus = try MosquittoBus(session: BusSession(clientID: "reporter", subscriptions: []), broker: broker.address)
    try bus.start { _ in }
    return bus
  }

  /// vm1 runs on node1 and is defined on node2; vm2 runs on both; vm3 runs on neither; vm4 has its only definition on node2.
  private func brokerWithStrays(isCoordinatorOnline: Bool = true) async throws -> Broker {
    let broker = try await Broker.running()
    let bus = try await reporter(to: broker)
    func report(_ host: HostName, _ vms: [(VMName, VirtualMachine.State, Bool)]) -> HostReport {
      HostReport(
        host: host, presence: .online, epoch: 1, sequence: 1, capacity: HostCapacity(memoryKiB: 64 << 20, cpus: 16),
        vms: vms.map { name, state, isPersistent in
          VirtualMachine(
            name: name, uuid: "u-\(name)", state: state, memoryKiB: 1 << 20, vcpus: 1, isPersistent: isPersistent)
        })
    }
    func stray(_ vm: VMName, _ isActive: Bool, on other: HostName, _ isOtherActive: Bool) -> StrayCopy {
      StrayCopy(
        name: vm, uuid: "u-\(vm)", isActive: isActive,
        others: [StrayCopy.Other(host: other, name: vm, isActive: isOtherActive)])
    }
    for report in [
      report(
        "node1", [("vm1", .running, true), ("vm2", .running, true), ("vm3", .shutOff, true), ("vm4", .running, false)]),
      report(
        "node2", [("vm1", .shutOff, true), ("vm2", .paused, true), ("vm3", .shutOff, true), ("vm4", .shutOff, true)]),
    ] {
      try await bus.publish(
        BusMessage(topic: Topics.state(report.host), payload: report.encoded(), isRetained: true))
    }
    for node in [
      NodeReport(
        host: "node1", state: .active, reason: "",
        strays: [stray("vm2", true, on: "node2", true), stray("vm3", false, on: "node2", false)]),
      NodeReport(
        host: "node2", state: .active, reason: "",
        strays: [
          stray("vm1", false, on: "node1", true), stray("vm2", true, on: "node1", true),
          stray("vm3", false, on: "node1", false), stray("vm4", false, on: "node1", true),
        ]),
    ] {
      try await bus.publish(BusMessage(topic: Topics.node(node.host), payload: node.encoded(), isRetained: true))
    }
    let state = CoordinatorReport(isOnline: isCoordinatorOnline, epoch: 1)
    try await bus.publish(BusMessage(topic: Topics.coordinatorState, payload: state.encoded(), isRetained: true))
    await bus.close(farewell: nil)
    return broker
  }

  @Test(
    "gc --dry-run lists what it would remove, with the task that does it, and what it leaves alone, with the reason")
  func garbage() async throws {
    let broker = try await brokerWithStrays()
    let address = "127.0.0.1:\(broker.port)"
    let plain = try await Programs.run("migfra", "gc", "--dry-run", "--broker", address)
    #expect(plain.status == 0)
    #expect(
      plain.text == """
        Can be removed:
          node2  vm1  off, while it runs on node1
            mosquitto_pub -h BROKER -q 1 -t fast/migfra/node2/task -m '{"task": "stop vm", "list": [{"vm-name": "vm1", \
        "undefine": true, "stray": "u-vm1"}]}'
        Not for gc:
          node1  vm2  runs on node2 too
            it is running: stop one by hand
          node1  vm3  off, and defined on node2 too
            it runs nowhere: who knows which is the right one removes the other
          node2  vm2  runs on node1 too
            it is paused: stop one by hand
          node2  vm3  off, and defined on node1 too
            it runs nowhere: who knows which is the right one removes the other
          node2  vm4  off, while it runs on node1
            the one that runs has no definition: this is the only one

        """)
    let json = try await Programs.run("migfra", "gc", "--dry-run", "--json", "--broker", address)
    let rows = try #require(JSONSerialization.jsonObject(with: Data(json.text.utf8)) as? [[String: Any]])
    #expect(rows.filter { $0["obstacle"] == nil }.map { $0["topic"] as? String } == ["fast/migfra/node2/task"])
    let text = try #require(rows.compactMap { $0["task"] as? String }.first)
    let task = try TaskMessage.decode(Array(text.utf8))
    #expect(task.body == .stop([VMStop(vm: "vm1", undefines: true, strayUUID: "u-vm1")]) && task.warnings.isEmpty)
    let unasked = try await Programs.run("migfra", "gc", "--broker", address)
    #expect(unasked.status == 1 && unasked.text.contains("nothing was removed: say --yes where nobody can be asked"))
  }

  @Test("gc needs the coordinator; hosts and vms show its strays")
  func strays() async throws {
    let broker = try await brokerWithStrays(isCoordinatorOnline: false)
    let address = "127.0.0.1:\(broker.port)"
    let without = try await Programs.run("migfra", "gc", "--dry-run", "--broker", address)
    #expect(without.status == 1 && without.text.contains("no coordinator is online, and it is what finds strays"))
    let hosts = try await Programs.run("migfra", "hosts", "--broker", address)
    #expect(hosts.text.contains("STRAYS\n") && hosts.text.contains("  4\n"), "\(hosts.text)")
    let vms = try await Programs.run("migfra", "vms", "--broker", address)
    #expect(vms.text.contains("u-vm1  off, while it runs on node1\n"), "\(vms.text)")
    #expect(vms.text.contains("u-vm1  -\n"), "\(vms.text)")
  }

  @Test("why plans on what the broker keeps; a named host that cannot be emptied is exit code 3")
  func why() async throws {
    let broker = try await brokerWithReports()
    let address = "127.0.0.1:\(broker.port)"
    let all = try await Programs.run("migfra", "why", "--broker", address)
    #expect(all.status == 0)
    #expect(
      all.text == """
        HOST   VMS  EMPTY NOW  WHY
        node1    1  no         vm1 no destination: node2: its worker is offline
        node2    0  yes        nothing to move

        """)
    let one = try await Programs.run("migfra", "why", "node1", "--broker", address)
    #expect(one.status == 3)
    #expect(one.text.contains("node1 cannot be emptied now: 1 of 1 machines has no place"))
    #expect(one.text.contains("vm1 has no place: no destination: node2: its worker is offline"))
    #expect(one.text.contains("score: 1 without a place"))
    let json = try await Programs.run("migfra", "why", "node2", "--json", "--broker", address)
    #expect(json.status == 0)
    let rows = try #require(JSONSerialization.jsonObject(with: Data(json.text.utf8)) as? [[String: Any]])
    #expect(rows.map { $0["can_be_emptied"] as? Bool } == [true])
    let unknown = try await Programs.run("migfra", "why", "node9", "--broker", address)
    #expect(unknown.status == 1)
    #expect(unknown.text.contains("node9 has never reported"))
  }

  @Test("a snapshot can be rehearsed on, without a broker")
  func snapshot() async throws {
    let broker = try await brokerWithReports()
    let address = "127.0.0.1:\(broker.port)"
    let scratch = try TemporaryFolder()
    let file = scratch.file("cluster.json")
    let written = try await Programs.run("migfra", "snapshot", "--broker", address, "--out", file)
    #expect(written.text == "")
    #expect(written.status == 0)
    let plan = try await Programs.run("migfra", "plan", "--from", file, "--evacuate", "node1", "--to", "node2")
    #expect(plan.status == 2)
    #expect(plan.text.contains("vm1 has no place"))
    let json = try await Programs.run(
      "migfra", "snapshot", "--evacuate", "node1", "--mode", "compact", "--broker", address)
    #expect(json.text.contains(#""sources":["node1"]"#))
    #expect(json.text.contains(#""mode":"compact""#))
    let wrong = try await Programs.run("migfra", "plan", "--from", file, "--to", "node2")
    #expect(wrong.text.contains("go with --evacuate"))
  }

  @Test("Simulated clusters need no broker, and say at last how much was tried")
  func simulate() async throws {
    let kept = try await Programs.run("migfra", "simulate", "--seeds", "3")
    #expect(kept.status == 0)
    #expect(kept.text.wholeMatch(of: /3 seeds, [0-9.]+ simulated hours, [0-9]+ faults, 0 broken promises\n/) != nil)
    let broken = try await Programs.run(
      "migfra", "simulate", "--seeds", "6", "--shown", "0", "--sabotage", "losesMachines")
    #expect(broken.status == 1)
    #expect(broken.text.contains(/^seed [1-6]: no machine is stopped or lost/))
    #expect(broken.text.contains(/\n6 seeds, .*, [1-6] broken promises\n$/))
    let wrong = try await Programs.run("migfra", "simulate", "--sabotage", "nothing")
    #expect(wrong.status == 64 && wrong.text.contains("losesMachines"))
  }

  @Test("A simulated history is the same in every process")
  func simulatedHistory() async throws {
    let one = try await Programs.run("migfra", "simulate", "--first", "7", "--history")
    let other = try await Programs.run("migfra", "simulate", "--first", "7", "--history")
    #expect(one.text == other.text && one.text.count > 1000)
  }

  @Test("Without a coordinator an order ends with exit code 1, words, and JSON on request")
  func withoutCoordinator() async throws {
    let broker = try await brokerWithReports()
    let address = "127.0.0.1:\(broker.port)"
    let plain = try await Programs.run("migfra", "evacuate", "node1", "--broker", address)
    #expect(plain.status == 1)
    #expect(plain.text == "migfra: no coordinator is online: start migfra-coordinator\n")
    let json = try await Programs.run("migfra", "uncordon", "node1", "--json", "--broker", address)
    #expect(json.status == 1)
    #expect(json.text.contains("\"error\" : \"no coordinator is online: start migfra-coordinator\""))
  }

  @Test("A broker that is not there is named, with the way out")
  func withoutBroker() async throws {
    let port = try Loopback.freePort()
    let output = try await Programs.run("migfra", "hosts", "--broker", "127.0.0.1:\(port)")
    #expect(output.status == 1)
    #expect(output.text.contains("the broker at 127.0.0.1:\(port) cannot be reached"))
    #expect(output.text.contains("--broker HOST:PORT or MIGFRA_BROKER"))
  }

  @Test(
    "Wrong arguments are refused with what is expected",
    arguments: [
      (["evacuate", "a/b"], "'a/b' is no host name"), (["evacuate", "node1", "--mode", "fast"], "auto"),
      (["evacuate", "node1", "--pscom", "some"], "pscom"),
      (["evacuate", "node1", "--retries", "-1"], "retries"), (["hosts", "--broker", "a:b"], "is not host[:port]"),
      (["hosts", "--log-level", "loud"], "none of trace, debug"), (["hosts", "--config", "/nowhere"], "/nowhere"),
    ])
  func wrongArguments(arguments: [String], expected: String) async throws {
    let scratch = try TemporaryFolder()
    let child = try Programs.start("migfra", arguments, output: scratch.file("output"))
    #expect(try await child.wait() != 0)
    #expect(scratch.read("output").contains(expected), "\(scratch.read("output"))")
  }
}
