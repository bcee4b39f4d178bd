import TestSupport
import Testing

/// What becomes of operations whose coordinator is killed, on real guests.
@Suite("A coordinator that dies, in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct CoordinatorTests {
  /// Waits until a machine is being copied, kills the coordinator, leaves the workers alone for a while, and starts it.
  private func killInTheMiddle(_ lab: Lab, _ bus: LabBus) async throws {
    try await eventually("copying", within: .seconds(20)) {
      bus.messages.contains { $0.topic.hasSuffix("/progress") && $0.text.contains("phase: copying") }
    }
    try await lab.kill("migfra-coordinator", on: "ctl")
    try await eventually("word of the coordinator's death") {
      bus.messages.contains { $0.topic == "fast/coordinator/state" && $0.text.contains("offline") }
    }
    #expect(bus.results(of: "node1") == [])
    try await lab.restart("migfra-coordinator", on: "ctl")
  }

  @Test("An evacuation goes on: one answer with everything that was moved, nothing doubled or lost")
  func evacuation() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(4, on: "node1", "mem=64", "fill=48")
      try await lab.must("rate", "node1", "200mbit")
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 4)
      try await bus.publish("fast/migfra/node1/task", "task: evacuate node\nid: e2\ndestinations: [node2]\n")
      try await killInTheMiddle(lab, bus)
      let answer = try await eventually("answer", within: .seconds(60)) { bus.results(of: "node1").first }
      #expect(answer.contains("result: node evacuated\nid: e2\n"), "\(answer)")
      #expect(answer.contains("status: success\ndetails: 4 moved"), "\(answer)")
      for number in 1...4 {
        #expect(try await lab.whereabouts(of: "vm\(number)", hosts: 2) == ["node2/running"])
      }
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
      #expect(try await lab.migfra("hosts").text.contains("DRAINED"))
      #expect(bus.results(of: "node1").count == 1)
    }
  }

  @Test("A rearrangement goes on: a guest that was saved for it and the one that was on its way arrive, answered once")
  func rearrangement() async throws {
    try await Lab.withFullHosts(rate: "100mbit") { lab, bus in
      let watch = try Watch(lab, guests: 2)
      try await bus.publish(
        "fast/coordinator/task",
        "task: rearrange vms\nid: r\nlist: [{vm-name: vm1, destination: node2}, {vm-name: vm2, destination: node1}]\n")
      try await killInTheMiddle(lab, bus)
      let answers = { bus.messages.filter { $0.topic == "fast/coordinator/result" && $0.text.contains("id: r\n") } }
      let answer = try await eventually("answer", within: .seconds(90)) { answers().first }
      #expect(answer.text.contains("result: vms rearranged") && answer.text.contains("status: success"), "\(answer)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node1/running"])
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
      #expect(answers().count == 1)
    }
  }

  @Test("The command that waits for it waits on, and ends well")
  func command() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(3, on: "node1", "mem=64", "fill=48")
      try await lab.must("rate", "node1", "200mbit")
      let bus = try await LabBus(lab)
      async let output = lab.migfra("evacuate", "node1")
      try await killInTheMiddle(lab, bus)
      let ended = try await output
      #expect(ended.status == 0, "\(ended.text)")
      #expect(ended.text.contains("the coordinator went away") && ended.text.contains("DRAINED"), "\(ended.text)")
    }
  }

  @Test("An evacuation that is cancelled leaves each guest running on one host, and both who asked are answered")
  func cancel() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(4, on: "node1", "mem=64", "fill=48")
      try await lab.must("rate", "node1", "100mbit")
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 4)
      try await bus.publish("fast/migfra/node1/task", "task: evacuate node\nid: e\ndestinations: [node2]\n")
      try await eventually("copying", within: .seconds(20)) {
        bus.messages.contains { $0.topic.hasSuffix("/progress") && $0.text.contains("phase: copying") }
      }
      // On the host's own topic, by the caller's id.
      try await bus.publish("fast/migfra/node1/task", "task: cancel\nid: c\ntask-id: e\n")
      try await eventually("two answers", within: .seconds(40)) { bus.results(of: "node1").count == 2 }
      let answers = bus.results(of: "node1")
      let cancelled = answers.first { $0.contains("result: task cancelled") } ?? ""
      #expect(cancelled.contains("id: c\nstatus: success\ndetails: \"cancelled: 0 moved, 4 stayed"), "\(answers)")
      let evacuated = answers.first { $0.contains("result: node evacuated") } ?? ""
      #expect(evacuated.contains("id: e\n") && evacuated.contains("code: cancelled"), "\(evacuated)")
      for number in 1...4 {
        #expect(try await lab.whereabouts(of: "vm\(number)", hosts: 2) == ["node1/running"])
      }
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
      #expect(try await lab.migfra("hosts").text.contains("ACTIVE"))
      let late = try await lab.migfra("cancel", "e")
      #expect(late.status == 1, "\(late.text)")
    }
  }

  @Test("migfra swap and migfra migrate move machines by their names, and say what is wrong with others")
  func swapCommand() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.must("start", "node2", "vm2", "mem=16", "ip=\(Lab.address(2))")
      try await lab.startGuests(1, on: "node1", "mem=16")
      try await eventually("both in the reports") { try await lab.migfra("vms").text.contains("vm2") }
      let unknown = try await lab.migfra("swap", "vm1", "vm9")
      #expect(
        unknown.status == 1 && unknown.text.contains("no online host reports 'vm9'"), "\(unknown.text)")
      let swapped = try await lab.migfra("swap", "vm1", "vm2")
      #expect(swapped.status == 0 && swapped.text.contains("Exchanged in "), "\(swapped.text)")
      #expect(swapped.text.contains("vm1 node1 ⇄ node2 vm2"), "\(swapped.text)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node1/running"])
      let moved = try await lab.migfra("migrate", "vm1", "node1")
      #expect(moved.status == 0 && moved.text.contains("Moved in ") && moved.text.contains("it stood still for"))
      let id = try #require(moved.text.firstMatch(of: /migfra cancel (\S+) --host node2/)?.output.1)
      let late = try await lab.migfra("cancel", String(id), "--host", "node2")
      #expect(late.status == 1 && late.text.contains("ended"), "\(late.text)")
      let json = try await lab.migfra("migrate", "vm1", "node9", "--retries", "0", "--json")
      #expect(json.status == 1 && json.text.contains("\"code\" : \"destination\""), "\(json.text)")
    }
  }

  @Test("An exchange goes on, and is answered once")
  func exchange() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.must("start", "node2", "vm2", "mem=64", "fill=48", "ip=\(Lab.address(2))")
      try await lab.startGuests(1, on: "node1", "mem=64", "fill=48")
      try await eventually("both in the reports") { try await lab.migfra("vms").text.contains("vm2") }
      try await lab.must("rate", "node1", "100mbit")
      let bus = try await LabBus(lab)
      try await bus.publish(
        "fast/migfra/node1/task",
        "task: migrate vm\nid: s\nvm-name: vm1\ndestination: node2\nparameter: {swap-with: vm2}\n")
      try await killInTheMiddle(lab, bus)
      let answer = try await eventually("answer", within: .seconds(60)) { bus.results(of: "node1").first }
      #expect(answer.contains("id: s\nvm-name: vm1\nstatus: success"), "\(answer)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node1/running"])
      #expect(bus.results(of: "node1").count == 1)
    }
  }
}
