import Foundation
import TestSupport
import Testing

/// What must not break anything.
@Suite("Faults in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct FaultTests {
  /// Messages that are no tasks, and a piece of the answer to each.
  static let badInput: [(text: String, answer: String)] = [
    ("", "result: unknown"),
    ("just words", "result: unknown"),
    ("task: [unclosed", "line 2"),
    ("- a\n- list\n", "expected a mapping"),
    ("task: dance\nid: d1\n", "id: d1"),
    ("task: start vm\nid: s1\n", "vm-configurations"),
    ("task: stop vm\nid: s2\nlist: 7\n", "expected a list"),
    ("task: migrate vm\nid: m1\nvm-name: vm1\n", "destination"),
    ("task: migrate vm\nid: m2\nvm-name: vm1\ndestination: \"a/b\"\n", "host name"),
    ("task: &a stop vm\nlist: []\n", "anchor"),
    ("task: stop vm\ntask: stop vm\nlist: []\n", "the key is there twice"),
    ("task: migrate vm\nid: m3\nvm-name: vm1\ndestination: node2\nparameter: {migration-type: sideways}\n", "live"),
    ("task: start vm\nid: s3\nvm-configurations:\n- vm-name: vm1\n  pci-ids: [{vendor: 1}]\n", "device: required"),
    (String(repeating: "[", count: 100_000), "result: unknown"),
    ("task: stop vm\nlist:\n" + String(repeating: "- {vm-name: x}\n", count: 150_000), "result: unknown"),
  ]

  @Test("Bad input gets a clear error, and the next task works")
  func badInput() async throws {
    try await Lab.with(hosts: 1) { lab in
      let bus = try await LabBus(lab)
      for (text, expected) in Self.badInput {
        let answer = try await bus.ask("node1", text)
        #expect(answer.contains(expected), "\(text.prefix(80)): \(answer)")
        #expect(answer.contains("status: error"))
      }
      // Retained: refused with a line in the log, at every start again, and never executed.
      try await bus.publish("fast/migfra/node1/task", "task: stop vm\nid: r1\nlist: [{vm-name: vm1}]\n", retained: true)
      try await lab.kill("migfra-worker", on: "node1")
      try await lab.restart("migfra-worker", on: "node1")
      try await eventually("refusal in the log") {
        lab.log("migfra-worker", on: "node1").contains("a retained task was refused")
      }
      // Junk on every other topic that our programs read.
      for topic in [
        "fast/coordinator/task", "fast/coordinator/state", "fast/migfra/node1/reply",
        "fast/migfra/node9/state", "fast/coordinator/reply/node1", "fast/migfra/node1/progress",
      ] {
        try await bus.publish(topic, "{junk: [")
      }
      // The junk on the coordinator's state topic is retained by nobody: the worker goes on with what it knew.
      let answer = try await bus.ask("node1", "task: stop vm\nid: after\nlist: [{vm-name: vm1}]\n")
      #expect(answer.contains("id: after") && answer.contains("Domain not found"), "\(answer)")
      #expect(try await lab.migfra("hosts").text.contains("node1"))
    }
  }

  @Test("A worker that is killed during a migration answers after its restart, once")
  func workerKilled() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=96", "fill=80")
      try await lab.must("rate", "node1", "200mbit")
      let bus = try await LabBus(lab)
      try await bus.publish(
        "fast/migfra/node1/task", "task: migrate vm\nid: k1\nvm-name: vm1\ndestination: node2\n")
      try await eventually("copying", within: .seconds(20)) {
        bus.messages.contains { $0.topic == "fast/migfra/node1/progress" && $0.text.contains("phase: copying") }
      }
      try await lab.kill("migfra-worker", on: "node1")
      #expect(bus.results(of: "node1") == [])
      try await lab.restart("migfra-worker", on: "node1")
      let answer = try await eventually("answer after the restart", within: .seconds(60)) {
        bus.results(of: "node1").first
      }
      #expect(answer.contains("result: vm migrated\nid: k1\nvm-name: vm1\nstatus: success"), "\(answer)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
      // A second answer would come with a repeat of the task, not by itself.
      let other = try await bus.ask("node1", "task: stop vm\nid: k2\nlist: [{vm-name: nobody}]\n")
      #expect(other.contains("id: k2"))
      #expect(bus.results(of: "node1").count == 2)
    }
  }

  @Test("A host that lost its power before libvirt had removed the definition of what has moved: the worker removes it")
  func definitionLeft() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=96", "fill=80")
      try await lab.must("rate", "node1", "200mbit")
      let definition = try await lab.virsh("node1", "dumpxml", "--inactive", "vm1")
      try lab.folder.write(definition, to: "vm1.xml")
      let bus = try await LabBus(lab)
      try await bus.publish(
        "fast/migfra/node1/task", "task: migrate vm\nid: d1\nvm-name: vm1\ndestination: node2\n")
      try await eventually("copying", within: .seconds(20)) {
        bus.messages.contains { $0.topic == "fast/migfra/node1/progress" && $0.text.contains("phase: copying") }
      }
      try await lab.kill("migfra-worker", on: "node1")
      while try await lab.whereabouts(of: "vm1", hosts: 2) != ["node2/running"] {
        try await Task.sleep(for: .milliseconds(200))
      }
      _ = try await lab.virsh("node1", "define", lab.folder.file("vm1.xml"))
      try await lab.restart("migfra-worker", on: "node1")
      let answer = try await eventually("answer after the restart") { bus.results(of: "node1").first }
      #expect(answer.contains("id: d1\nvm-name: vm1\nstatus: success"), "\(answer)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
    }
  }

  @Test("A worker that is asked to end during a migration ends at once, and answers after its next start, once")
  func workerStopped() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=96", "fill=80")
      try await lab.must("rate", "node1", "100mbit")
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 1)
      try await bus.publish("fast/migfra/node1/task", "task: migrate vm\nid: t1\nvm-name: vm1\ndestination: node2\n")
      try await eventually("copying", within: .seconds(20)) {
        bus.messages.contains { $0.topic == "fast/migfra/node1/progress" && $0.text.contains("phase: copying") }
      }
      try await lab.kill("migfra-worker", on: "node1", with: "TERM")
      try await eventually("farewell", within: .seconds(3)) {
        bus.messages.last { $0.topic == "fast/migfra/node1/state" }?.text.contains("status: stopped")
      }
      // libvirtd has not ended it yet, and goes on without the worker.
      #expect(try await lab.virsh("node1", "domjobinfo", "vm1").contains("Outgoing migration"))
      #expect(bus.results(of: "node1") == [])
      #expect(!bus.messages.contains { $0.topic == "fast/migfra/node1/state" && $0.text.contains("status: offline") })
      try await eventually("arrival", within: .seconds(60)) {
        try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"]
      }
      #expect(bus.results(of: "node1") == [])
      try await lab.restart("migfra-worker", on: "node1")
      let answer = try await eventually("answer after the restart", within: .seconds(60)) {
        bus.results(of: "node1").first
      }
      #expect(answer.contains("result: vm migrated\nid: t1\nvm-name: vm1\nstatus: success"), "\(answer)")
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
      #expect(bus.results(of: "node1").count == 1)
    }
  }

  @Test("A destination that is down is named, and the machine runs on")
  func destinationDown() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=16")
      let bus = try await LabBus(lab)
      try await lab.must("daemon", "node2", "kill")
      let answer = try await bus.ask(
        "node1",
        "task: migrate vm\nid: x\nvm-name: vm1\ndestination: node2\nparameter: {retry-counter: 1}\n")
      #expect(answer.contains("status: error\ndetails: \"destination node2 cannot be reached"), "\(answer)")
      #expect(answer.contains("code: destination"))
      #expect(try await lab.must("exec", "node1", "virsh", "-q", "list").contains("running"))
      // The coordinator knows from the host's own report, and plans without it.
      try await eventually("unreachable hypervisor in the report") {
        try await lab.migfra("hosts").text.contains("unreachable")
      }
      let refused = try await lab.migfra("evacuate", "node1")
      #expect(refused.status == 3, "\(refused.text)")
      #expect(refused.text.contains("hypervisor cannot be reached"))
      try await lab.must("daemon", "node2", "start")
      try await eventually("evacuation after the daemon came back", within: .seconds(30)) {
        try await lab.migfra("evacuate", "node1").status == 0
      }
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
    }
  }
}
