import TestSupport
import Testing

/// Two guests change places, on real hosts.
@Suite("Exchanges in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct SwapTests {
  @Test("Both guests run on, each on the other's host and pinned as the task says; one answer on the host's own topic")
  func swap() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.must("start", "node2", "vm2", "mem=64", "fill=32", "ip=\(Lab.address(2))")
      try await lab.startGuests(1, on: "node1", "mem=96", "fill=64")
      try await eventually("both in the reports") { try await lab.migfra("vms").text.contains("vm2") }
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 2)
      let answer = try await bus.ask(
        "node1",
        """
        host: node1
        task: migrate vm
        id: swap-1
        vm-name: vm1
        destination: node2
        time-measurement: true
        parameter:
          migration-type: live
          vcpu-map: [[1]]
          swap-with:
            vm-name: vm2
            vcpu-map: [[0]]

        """)
      #expect(
        answer.contains("result: vm migrated\nid: swap-1\nvm-name: vm1\nstatus: success\ndetails: \"0\""), "\(answer)")
      #expect(answer.contains("- migrate: ") && answer.contains("- migrate-vm2: "), "\(answer)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node1/running"])
      #expect(try await lab.must("exec", "node2", "virsh", "vcpuinfo", "vm1").contains("CPU Affinity:   -y"))
      #expect(try await lab.must("exec", "node1", "virsh", "vcpuinfo", "vm2").contains("CPU Affinity:   y-"))
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
      #expect(bus.results(of: "node1").count == 1 && bus.results(of: "node2") == [])
    }
  }

  @Test("One of the two cannot go: both are home again, and the answer says so")
  func takenBack() async throws {
    try await Lab.with(hosts: 2) { lab in
      // vm2 has a network that only node2 knows.
      try await lab.must("exec", "node2", "ip", "link", "add", "br9", "type", "bridge")
      let device =
        "<interface type='bridge'><source bridge='br9'/><model type='virtio'/><rom enabled='no'/></interface>"
      try await lab.must("start", "node2", "vm2", "mem=16", "ip=\(Lab.address(2))", "devices=\(device)")
      try await lab.startGuests(1, on: "node1", "mem=16")
      try await eventually("both in the reports") { try await lab.migfra("vms").text.contains("vm2") }
      let bus = try await LabBus(lab)
      let answer = try await bus.ask(
        "node1",
        "task: migrate vm\nid: s\nvm-name: vm1\ndestination: node2\nparameter: {retry-counter: 0, swap-with: vm2}\n")
      #expect(answer.contains("status: error") && answer.contains("both are back where they were"), "\(answer)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"])
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node2/running"])
    }
  }

  private static let task =
    "task: migrate vm\nid: s\nvm-name: vm1\ndestination: node2\ntime-measurement: true\n"
    + "parameter: {retry-counter: 0, swap-with: {vm-name: vm2, vcpu-map: [[1]]}}\n"

  @Test("Without room for both, the smaller is saved and goes on where it was: its clock never goes back")
  func byStorage() async throws {
    try await Lab.withFullHosts { lab, bus in
      let watch = try Watch(lab, guests: 2)
      let answer = try await bus.ask("node1", Self.task)
      #expect(answer.contains("id: s\nvm-name: vm1\nstatus: success"), "\(answer)")
      for tag in ["save-vm2", "migrate", "restore-vm2"] { #expect(answer.contains("- \(tag): "), "\(answer)") }
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node1/running"])
      #expect(try await lab.must("exec", "node1", "virsh", "vcpuinfo", "vm2").contains("CPU Affinity:   -y"))
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
    }
  }

  @Test("The coordinator is killed while the smaller one is saved: it goes on, and both are exchanged, answered once")
  func killedWhileSaved() async throws {
    try await Lab.withFullHosts { lab, bus in
      try await lab.must("rate", "node1", "100mbit")
      try await bus.publish("fast/migfra/node1/task", Self.task)
      try await eventually("the larger one on its way", within: .seconds(20)) {
        bus.messages.contains { $0.topic == "fast/migfra/node1/progress" && $0.text.contains("phase: copying") }
      }
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node2/shut off"])
      try await lab.kill("migfra-coordinator", on: "ctl")
      try await lab.restart("migfra-coordinator", on: "ctl")
      let answer = try await eventually("answer", within: .seconds(60)) { bus.results(of: "node1").first }
      #expect(answer.contains("id: s\nvm-name: vm1\nstatus: success"), "\(answer)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node1/running"])
      #expect(bus.results(of: "node1").count == 1)
    }
  }

  @Test("The second half fails: the first is undone, both run at home")
  func secondHalfFails() async throws {
    try await Lab.with(hosts: 2, environment: ["LAB_MEMORY": "\(200 * 1024)"]) { lab in
      try await lab.must("exec", "node2", "ip", "link", "add", "br9", "type", "bridge")
      let device =
        "<interface type='bridge'><source bridge='br9'/><model type='virtio'/><rom enabled='no'/></interface>"
      try await lab.must("start", "node2", "vm2", "mem=96", "ip=\(Lab.address(2))", "devices=\(device)")
      try await lab.startGuests(1, on: "node1", "mem=128")
      try await eventually("both in the reports") { try await lab.migfra("vms").text.contains("vm2") }
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 2)
      let answer = try await bus.ask("node1", Self.task)
      #expect(answer.contains("status: error") && answer.contains("both are back where they were"), "\(answer)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"])
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node2/running"])
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
    }
  }
}
