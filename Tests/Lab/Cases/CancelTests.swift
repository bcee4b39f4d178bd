import Foundation
import TestSupport
import Testing

/// Operations that are taken back in the middle, on real guests: what they were doing when they were is in the tests' names.
@Suite("Cancelled in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct CancelTests {
  private func expect(_ vm: String, on host: String, of hosts: Int = 2, _ lab: Lab) async throws {
    let places = try await lab.whereabouts(of: vm, hosts: hosts)
    #expect(places == ["\(host)/running"], "\(vm): \(places)")
  }

  private func answer(to task: String, _ bus: LabBus) async throws -> String {
    try await eventually("answer to \(task)", within: .seconds(60)) {
      bus.messages.first { $0.topic == "fast/coordinator/result" && $0.text.contains("id: \(task)\n") }?.text
    }
  }

  private func cancel(_ task: String, _ bus: LabBus) async throws -> String {
    try await bus.publish("fast/coordinator/task", "task: cancel\nid: c-\(task)\ntask-id: \(task)\n")
    return try await answer(to: "c-\(task)", bus)
  }

  private func awaitProgress(_ phase: String, of vm: String, _ bus: LabBus) async throws {
    try await eventually("\(vm) \(phase)", within: .seconds(30)) {
      bus.messages.contains {
        $0.topic.hasSuffix("/progress") && $0.text.contains("vm-name: \(vm)\n") && $0.text.contains("phase: \(phase)")
      }
    }
  }

  private func awaitPlan(_ words: String, times: Int, _ bus: LabBus) async throws {
    try await eventually("\(words) \(times) times", within: .seconds(60)) {
      let plan = bus.messages.last { $0.topic.hasPrefix("fast/coordinator/plan/") }
      return plan.map { $0.text.components(separatedBy: words).count == times + 1 } ?? false
    }
  }

  @Test("An evacuation that waits for its next attempt; then one that is paused with half of its guests moved")
  func waiting() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(4, on: "node1", "mem=48", "fill=32")
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 4)
      // Slow enough that none has moved before its destination is gone, however busy this machine is.
      try await lab.must("rate", "node1", "10mbit")
      try await bus.publish(
        "fast/coordinator/task",
        "task: evacuate node\nid: w\nhost: node1\ndestinations: [node2]\nparameter: {retry-counter: 20}\n")
      try await awaitProgress("copying", of: "vm1", bus)
      try await lab.must("daemon", "node2", "kill")
      try await eventually("an attempt that failed", within: .seconds(60)) {
        bus.messages.contains { $0.topic.hasPrefix("fast/coordinator/plan/") && $0.text.contains("retrying") }
      }
      let early = try await cancel("w", bus)
      #expect(early.contains("cancelled: 0 moved, 4 stayed"), "\(early)")
      try await lab.must("rate", "node1", "50mbit")
      try await lab.must("daemon", "node2", "start")
      try await eventually("node2 back", within: .seconds(60)) { try await lab.migfra("why", "node1").status == 0 }
      try await bus.publish(
        "fast/coordinator/task", "task: evacuate node\nid: p\nhost: node1\ndestinations: [node2]\n")
      try await awaitPlan("move: moving", times: 2, bus)
      try await bus.publish("fast/coordinator/task", "task: pause\nid: halt\ntask-id: p\n")
      #expect(try await answer(to: "halt", bus).contains("begins nothing more until it is resumed"))
      try await awaitPlan("move: moved", times: 2, bus)
      let cancelled = try await cancel("p", bus)
      #expect(cancelled.contains("cancelled: 2 moved, 2 stayed"), "\(cancelled)")
      #expect(try await answer(to: "p", bus).contains("status: partial"))
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
      for number in 1...4 {
        let places = try await lab.whereabouts(of: "vm\(number)", hosts: 2)
        #expect(places.count == 1 && places[0].hasSuffix("/running"), "vm\(number): \(places)")
      }
      #expect(try await lab.migfra("hosts").text.matches(of: /ACTIVE/).count == 2)
    }
  }

  @Test("An exchange whose guests are being copied: both stay at home")
  func exchange() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.must("start", "node2", "vm2", "mem=64", "fill=48", "ip=\(Lab.address(2))")
      try await lab.startGuests(1, on: "node1", "mem=64", "fill=48")
      try await eventually("both in the reports") { try await lab.migfra("vms").text.contains("vm2") }
      for host in ["node1", "node2"] { try await lab.must("rate", host, "50mbit") }
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 2)
      try await bus.publish(
        "fast/coordinator/task",
        "task: migrate vm\nid: s\nhost: node1\nvm-name: vm1\ndestination: node2\nparameter: {swap-with: vm2}\n")
      try await awaitProgress("copying", of: "vm1", bus)
      let cancelled = try await cancel("s", bus)
      #expect(cancelled.contains("status: success"), "\(cancelled)")
      #expect(try await answer(to: "s", bus).contains("code: cancelled"))
      try await expect("vm1", on: "node1", lab)
      try await expect("vm2", on: "node2", lab)
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
    }
  }

  /// Takes `task` back while one guest is saved and the other is on its way: who is saved goes on at home.
  private func takeBackWhileSaved(_ task: String, _ lab: Lab, _ bus: LabBus) async throws {
    let watch = try Watch(lab, guests: 2)
    try await bus.publish("fast/coordinator/task", task)
    try await eventually("a guest saved, the other on its way", within: .seconds(40)) {
      bus.messages.contains { $0.topic.hasSuffix("/progress") && $0.text.contains("phase: copying") }
    }
    let saved = try await [lab.whereabouts(of: "vm1", hosts: 2), lab.whereabouts(of: "vm2", hosts: 2)]
    #expect(saved.joined().contains { $0.hasSuffix("shut off") }, "\(saved)")
    let cancelled = try await cancel("t", bus)
    #expect(cancelled.contains("status: success"), "\(cancelled)")
    #expect(try await answer(to: "t", bus).contains("cancelled"))
    try await expect("vm1", on: "node1", lab)
    try await expect("vm2", on: "node2", lab)
    for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
  }

  @Test("An exchange with one guest saved: it goes on at home")
  func exchangeByStorage() async throws {
    try await Lab.withFullHosts(rate: "50mbit") { lab, bus in
      try await takeBackWhileSaved(
        "task: migrate vm\nid: t\nhost: node1\nvm-name: vm1\ndestination: node2\nparameter: {swap-with: vm2}\n",
        lab, bus)
    }
  }

  @Test("A rearrangement with one guest saved: it goes on at home")
  func rearrangement() async throws {
    try await Lab.withFullHosts(rate: "50mbit") { lab, bus in
      try await takeBackWhileSaved(
        "task: rearrange vms\nid: t\nlist: [{vm-name: vm1, destination: node2}, {vm-name: vm2, destination: node1}]\n",
        lab, bus)
    }
  }
}
