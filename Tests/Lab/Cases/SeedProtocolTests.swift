import Foundation
import TestSupport
import Testing

/// The seed's own YAML, sent with `mosquitto_pub`.
@Suite("The seed's protocol in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct SeedProtocolTests {
  @Test("Machines are started by name and by XML, migrated live and warm, and stopped")
  func lifecycle() async throws {
    try await Lab.with(hosts: 2) { lab in
      let bus = try await LabBus(lab)
      let xml = try await lab.must("xml", "vm1", "ip=\(Lab.address(1))", "mem=16")
      let indented = xml.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n")
      let started = try await bus.ask(
        "node1",
        """
        ---
        host: node1
        task: start vm
        id: 6f1e0b0e-5a52-4c1d-9d8a-0d6f4d2a1c11
        vm-configurations:
          - xml: |
        \(indented)
            probe-hostname: \(Lab.address(1))
        ...
        """)
      #expect(
        started.hasPrefix("scheduler: node1\nresult: vm started\nid: 6f1e0b0e-5a52-4c1d-9d8a-0d6f4d2a1c11\nlist:\n"))
      #expect(started.contains("- vm-name: vm1\n  status: success"))
      #expect(started.contains("process-id: "))

      let watch = try Watch(lab, guests: 1)
      let live = try await bus.ask(
        "node1",
        """
        task: migrate vm
        vm-name: vm1
        destination: node2
        time-measurement: true
        parameter:
          retry-counter: 2
          migration-type: live
        """)
      #expect(live.hasPrefix("result: vm migrated\nvm-name: vm1\nstatus: success\ndetails: \"0\"\n"), "\(live)")
      #expect(live.contains("time-measurement:\n- overall: "))
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])

      let warm = try await bus.ask(
        "node2", "{task: migrate vm, id: back, vm-name: vm1, destination: node1, parameter: {migration-type: warm}}")
      #expect(warm.hasPrefix("result: vm migrated\nid: back\nvm-name: vm1\nstatus: success"), "\(warm)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"])
      let testimony = try await watch.end()
      #expect(testimony.first?.backwards == 0 && (testimony.first?.answers ?? 0) > 5, "\(testimony)")

      let repeated = try await bus.ask(
        "node2", "{task: migrate vm, id: back, vm-name: vm1, destination: node1, parameter: {migration-type: warm}}")
      #expect(repeated == warm, "a repeat gets the stored answer")

      let stopped = try await bus.ask("node1", "task: stop vm\nlist:\n  - vm-name: vm1\n")
      #expect(stopped == "result: vm stopped\nlist:\n- vm-name: vm1\n  status: success\n")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/shut off"])
      let byName = try await bus.ask(
        "node1", "task: start vm\nvm-configurations:\n- vm-name: vm1\n  probe-hostname: \(Lab.address(1))\n")
      #expect(byName.contains("status: success"), "\(byName)")
      let gone = try await bus.ask(
        "node1", "task: stop vm\nid: 7\nlist: [{vm-name: vm1, force: true, undefine: true}, {vm-name: nobody}]")
      #expect(gone.contains("vm-name: vm1\n  status: success"))
      #expect(gone.contains("Domain not found: no domain with matching name 'nobody'"))
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == [])
    }
  }

  @Test("evacuate node on the host's own topic is answered there, once, with the caller's id")
  func evacuationOnHostTopic() async throws {
    try await Lab.with { lab in
      try await lab.startGuests(2, on: "node1", "mem=16")
      let bus = try await LabBus(lab)
      let answer = try await bus.ask(
        "node1",
        """
        host: node1
        task: evacuate node
        id: scheduler-42
        time-measurement: true
        destinations:
          - node2
          - node3
        parameter:
          retry-counter: 1
          mode: scatter
          migration-type: live
          overbooking: false
        """)
      #expect(answer.contains("result: node evacuated\nid: scheduler-42\n"), "\(answer)")
      #expect(answer.contains("status: success"))
      #expect(answer.contains("vm-name: vm1\n  status: success\n  details: \"0\"\n  process-id: "))
      #expect(answer.contains("- overall: "))
      // A client of the reference counts answers on this topic: the coordinator's own tasks must not appear here.
      #expect(bus.results(of: "node1").count == 1)

      let onCoordinator = "host: node2\ntask: evacuate node\nid: 43\ndestinations: [node3]\n"
      try await bus.publish("fast/coordinator/task", onCoordinator)
      let result = try await eventually("answer of the coordinator", within: .seconds(60)) {
        bus.messages.first { $0.topic == "fast/coordinator/result" }?.text
      }
      #expect(result.contains("result: node evacuated\nid: \"43\"\n"), "\(result)")
      #expect(result.contains("status: success"))
      for number in 1...2 { #expect(try await lab.whereabouts(of: "vm\(number)") == ["node3/running"]) }
    }
  }

  @Test("Without a coordinator the host's answer is a clear error, at once")
  func coordinatorKilled() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=16")
      let bus = try await LabBus(lab)
      try await lab.kill("migfra-coordinator", on: "ctl")
      try await eventually("word of the coordinator's death") {
        bus.messages.contains { $0.topic == "fast/coordinator/state" && $0.text.contains("offline") }
      }
      let began = ContinuousClock.now
      let answer = try await bus.ask("node1", "task: evacuate node\nid: e1\ndestinations: [node2]\n")
      #expect(ContinuousClock.now - began < .seconds(2))
      #expect(answer.contains("result: node evacuated\nid: e1\nstatus: error\n"), "\(answer)")
      #expect(answer.contains("start migfra-coordinator"))
      #expect(try await lab.migfra("evacuate", "node1").status == 1)

      try await lab.restart("migfra-coordinator", on: "ctl")
      try await eventually("evacuation by the new coordinator") {
        try await lab.migfra("evacuate", "node1").status == 0
      }
    }
  }

  @Test("A transient machine that is paused moves and stays paused, and is gone when it is stopped")
  func pausedAndTransient() async throws {
    try await Lab.with(hosts: 2) { lab in
      let bus = try await LabBus(lab)
      let xml = try await lab.must("xml", "vm1", "ip=\(Lab.address(1))", "mem=16")
      let indented = xml.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n")
      let started = try await bus.ask(
        "node1",
        "task: start vm\nvm-configurations:\n  - transient: true\n    probe-hostname: \(Lab.address(1))\n    xml: |\n"
          + indented)
      #expect(started.contains("status: success"), "\(started)")
      let pinned = try await bus.ask("node1", "task: repin vm\nid: p\nvm-name: vm1\nvcpu-map: [[1]]\n")
      #expect(pinned == "result: vm repinned\nid: p\nvm-name: vm1\nstatus: success\n")
      #expect(try await lab.must("exec", "node1", "virsh", "vcpuinfo", "vm1").contains("CPU Affinity:   -y"))
      let suspended = try await bus.ask("node1", "task: suspend vm\nid: s\nlist: [{vm-name: vm1}]\n")
      #expect(suspended == "result: vm suspended\nid: s\nlist:\n- vm-name: vm1\n  status: success\n")
      let moved = try await bus.ask("node1", "task: migrate vm\nvm-name: vm1\ndestination: node2\n")
      #expect(moved.contains("status: success"), "\(moved)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/paused"])
      let resumed = try await bus.ask("node2", "task: resume vm\nlist: [{vm-name: vm1}]\n")
      #expect(resumed == "result: vm resumed\nlist:\n- vm-name: vm1\n  status: success\n")
      try await lab.must("banner", "ctl", Lab.address(1), "10")
      let stopped = try await bus.ask("node2", "task: stop vm\nlist: [{vm-name: vm1, force: true}]\n")
      #expect(stopped.contains("status: success"))
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == [])
    }
  }
}
