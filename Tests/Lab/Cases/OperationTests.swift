import TestSupport
import Testing

/// Operations of the coordinator on real guests.
@Suite("Operations in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct OperationTests {
  private func expect(_ vm: String, on host: String, of hosts: Int = 3, _ lab: Lab) async throws {
    let places = try await lab.whereabouts(of: vm, hosts: hosts)
    #expect(places == ["\(host)/running"], "\(vm): \(places)")
  }

  @Test("Two hosts are emptied by one plan that was rehearsed, and both are restored")
  func restore() async throws {
    try await Lab.with { lab in
      for number in 1...4 {
        let host = number < 3 ? "node1" : "node2"
        try await lab.must("start", host, "vm\(number)", "mem=32", "fill=16", "ip=\(Lab.address(number))")
      }
      try await eventually("all in the reports") {
        try await lab.migfra("vms").text.matches(of: /running/).count == 4
      }
      let watch = try Watch(lab, guests: 4)
      let rehearsal = try await lab.migfra("evacuate", "node1", "node2", "--dry-run")
      let plan = try #require(rehearsal.text.firstMatch(of: /migfra plan apply (\S+)/)?.output.1)
      let emptied = try await lab.migfra("plan", "apply", String(plan), "--reason", "new fans")
      #expect(emptied.status == 0 && emptied.text.contains("node1, node2 are DRAINED: 4 moved"), "\(emptied.text)")
      for number in 1...4 { try await expect("vm\(number)", on: "node3", lab) }
      for host in ["node1", "node2"] {
        let restored = try await lab.migfra("restore", host)
        #expect(restored.status == 0 && restored.text.contains("\(host): DONE: 2 moved"), "\(restored.text)")
      }
      for number in 1...4 { try await expect("vm\(number)", on: number < 3 ? "node1" : "node2", lab) }
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
      let history = try await lab.migfra("history").text
      #expect(history.contains("evacuation of node1, node2") && history.contains("new fans"), "\(history)")
      #expect(try await lab.migfra("hosts").text.matches(of: /ACTIVE/).count == 3)
    }
  }

  @Test("A host is restored although another machine came meanwhile and all hosts are full; the coordinator is killed")
  func restoreFull() async throws {
    // Hosts of 200 MiB: a machine of 128 MiB and another of 96 MiB never fit beside each other.
    try await Lab.with(hosts: 2, environment: ["LAB_MEMORY": "\(200 * 1024)"]) { lab in
      try await lab.must("start", "node1", "vm1", "mem=96", "fill=64", "ip=\(Lab.address(1))")
      try await eventually("it in the reports") { try await lab.migfra("vms").text.contains("vm1") }
      #expect(try await lab.migfra("evacuate", "node1").status == 0)
      try await lab.must("start", "node1", "vm2", "mem=128", "fill=64", "ip=\(Lab.address(2))")
      try await eventually("both in the reports") { try await lab.migfra("vms").text.contains("vm2") }
      let watch = try Watch(lab, guests: 2)
      let bus = try await LabBus(lab)
      try await lab.must("rate", "node1", "100mbit")
      try await bus.publish("fast/coordinator/task", "task: restore node\nid: r\nhost: node1\n")
      try await eventually("a guest on its way", within: .seconds(30)) {
        bus.messages.contains { $0.topic.hasSuffix("/progress") && $0.text.contains("phase: copying") }
      }
      try await lab.kill("migfra-coordinator", on: "ctl")
      try await lab.restart("migfra-coordinator", on: "ctl")
      let answers = { bus.messages.filter { $0.topic == "fast/coordinator/result" && $0.text.contains("id: r\n") } }
      let answer = try await eventually("answer", within: .seconds(90)) { answers().first }
      #expect(
        answer.text.contains("result: node restored") && answer.text.contains("status: success"), "\(answer.text)")
      try await expect("vm1", on: "node1", of: 2, lab)
      try await expect("vm2", on: "node2", of: 2, lab)
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
      #expect(answers().count == 1)
    }
  }

  @Test("Two evacuations at once that want the same memory: none is overbooked, each tells what has no place")
  func rivals() async throws {
    // Four machines of 96 MiB want to go to a host of 200 MiB.
    try await Lab.with(hosts: 3, environment: ["LAB_MEMORY": "\(200 * 1024)"]) { lab in
      for number in 1...4 {
        let host = number < 3 ? "node1" : "node2"
        try await lab.must("start", host, "vm\(number)", "mem=96", "fill=32", "ip=\(Lab.address(number))")
      }
      try await eventually("all in the reports") {
        try await lab.migfra("vms").text.matches(of: /running/).count == 4
      }
      try await lab.must("rate", "node3", "200mbit")
      async let first = lab.migfra("evacuate", "node1", "--to", "node3", "--best-effort", "--json")
      async let second = lab.migfra("evacuate", "node2", "--to", "node3", "--best-effort", "--json")
      let outputs = try await [first, second]
      let hosts = try await lab.migfra("hosts").text
      let onThird = try await lab.virsh("node3", "list", "--name").split(separator: "\n").filter { !$0.isEmpty }
      #expect(onThird.count == 2, "\(hosts)")
      for output in outputs { #expect([0, 2, 3].contains(output.status), "\(output.text)") }
      let unplaced = outputs.reduce(0) { $0 + $1.text.matches(of: /"cause"/).count }
      #expect(unplaced == 2, "\(outputs.map(\.text))")
      for number in 1...4 {
        let places = try await lab.whereabouts(of: "vm\(number)", hosts: 3)
        #expect(places.count == 1 && places[0].hasSuffix("/running"), "vm\(number): \(places)")
      }
    }
  }

  @Test("A destination that loses its power in the middle: its machines go elsewhere, none runs twice")
  func powerFailure() async throws {
    try await Lab.with { lab in
      try await lab.startGuests(2, on: "node1", "mem=64", "fill=48")
      try await lab.must("rate", "node1", "100mbit")
      let bus = try await LabBus(lab)
      try await bus.publish(
        "fast/migfra/node1/task",
        "task: evacuate node\nid: e\ndestinations: [node2, node3]\nparameter: {mode: compact}\n")
      try await eventually("copying", within: .seconds(20)) {
        bus.messages.contains { $0.topic.hasSuffix("/progress") && $0.text.contains("phase: copying") }
      }
      try await lab.must("crash", "node2")
      let answer = try await eventually("answer", within: .seconds(150)) { bus.results(of: "node1").first }
      #expect(answer.contains("status: success\ndetails: 2 moved"), "\(answer)")
      for number in 1...2 {
        #expect(try await lab.virsh("node3", "list", "--name").contains("vm\(number)"), "\(answer)")
      }
      #expect(bus.results(of: "node1").count == 1)
    }
  }

  @Test("migfra rearrange: three machines go round, and what cannot be is refused in words")
  func round() async throws {
    try await Lab.with { lab in
      for number in 1...3 {
        try await lab.must("start", "node\(number)", "vm\(number)", "mem=32", "fill=16", "ip=\(Lab.address(number))")
      }
      try await eventually("all in the reports") {
        try await lab.migfra("vms").text.matches(of: /running/).count == 3
      }
      let done = try await lab.migfra("rearrange", "vm1=node2", "vm2=node3", "vm3=node1")
      #expect(done.status == 0 && done.text.contains("rearrangement: DONE: 3 moved"), "\(done.text)")
      for (vm, host) in [("vm1", "node2"), ("vm2", "node3"), ("vm3", "node1")] { try await expect(vm, on: host, lab) }
      let refused = try await lab.migfra("rearrange", "vm1=node9")
      #expect(refused.status == 1 && refused.text.contains("unknown host 'node9'"), "\(refused.text)")
      let late = try await lab.migfra("pause", "p1")
      #expect(late.status == 1 && late.text.contains("no operation of the id 'p1' is known"), "\(late.text)")
    }
  }
}
