import Foundation
import TestSupport
import Testing

/// Migration by way of shared storage, on real guests.
@Suite("Offline migration in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct OfflineTests {
  private func task(_ vm: String = "vm1", to destination: String, id: String = "o", _ more: String = "") -> String {
    """
    task: migrate vm
    id: \(id)
    vm-name: \(vm)
    destination: \(destination)
    time-measurement: true
    parameter: {migration-type: offline, retry-counter: 0\(more)}

    """
  }

  @Test("A running guest goes on where it was, pinned anew; a paused one stays paused; a transient one stays transient")
  func running() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=64", "fill=32")
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 1)
      let moved = try await bus.ask("node1", task(to: "node2", ", vcpu-map: [[1]]"))
      #expect(moved.contains("status: success\ndetails: \"0\""), "\(moved)")
      #expect(moved.contains("- save: ") && moved.contains("- restore: "), "\(moved)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
      #expect(try await lab.must("exec", "node2", "virsh", "vcpuinfo", "vm1").contains("CPU Affinity:   -y"))
      #expect(try await lab.must("exec", "node2", "virsh", "dumpxml", "--inactive", "vm1").contains("cpuset='1'"))
      #expect(try lab.images() == [])
      let testimony = try await watch.end()
      #expect(testimony.first?.backwards == 0, "\(testimony)")

      try await lab.must("exec", "node2", "virsh", "suspend", "vm1")
      try await eventually("paused guest in the report") { try await lab.migfra("vms").text.contains("paused") }
      let back = try await bus.ask("node2", task(to: "node1", id: "p"))
      #expect(back.contains("status: success"), "\(back)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/paused"])

      try await lab.must("start", "node1", "vm2", "transient=1", "mem=16", "ip=\(Lab.address(2))")
      let transient = try await bus.ask("node1", task("vm2", to: "node2", id: "q"))
      #expect(transient.contains("status: success"), "\(transient)")
      #expect(try await lab.must("exec", "node2", "virsh", "dominfo", "vm2").contains("Persistent:     no"))
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node2/running"])
    }
  }

  @Test("A host is emptied by way of the shared directory")
  func evacuation() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(2, on: "node1", "mem=16")
      let emptied = try await lab.migfra("evacuate", "node1", "--type", "offline")
      #expect(emptied.status == 0 && emptied.text.contains("node1 is DRAINED: 2 moved"), "\(emptied.text)")
      for vm in ["vm1", "vm2"] { #expect(try await lab.whereabouts(of: vm, hosts: 2) == ["node2/running"]) }
      #expect(try lab.images() == [])
    }
  }

  @Test("A guest that is off moves its definition, but not away from its saved memory")
  func off() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=16")
      let bus = try await LabBus(lab)
      try await lab.must("exec", "node1", "virsh", "managedsave", "vm1")
      let refused = try await bus.ask("node1", task(to: "node2"))
      #expect(refused.contains("managed save image") && refused.contains("code: wrong-state"), "\(refused)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/shut off"])
      try await lab.must("exec", "node1", "virsh", "managedsave-remove", "vm1")
      let live = try await bus.ask("node1", "task: migrate vm\nvm-name: vm1\ndestination: node2\n")
      #expect(live.contains("is not running on node1"), "\(live)")
      let moved = try await bus.ask("node1", task(to: "node2", id: "off"))
      #expect(moved.contains("status: success"), "\(moved)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/shut off"])
    }
  }

  @Test("A destination that cannot restore it: the guest goes on at home, and nothing is left anywhere")
  func takenBack() async throws {
    try await Lab.with(hosts: 2) { lab in
      // The second network of this guest is there on node1 only.
      try await lab.must("exec", "node1", "ip", "link", "add", "br9", "type", "bridge")
      let device =
        "<interface type='bridge'><source bridge='br9'/><model type='virtio'/><rom enabled='no'/></interface>"
      try await lab.startGuests(1, on: "node1", "mem=64", "fill=32", "devices=\(device)")
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 1)
      let refused = try await bus.ask("node1", task(to: "node2"))
      #expect(refused.contains("status: error") && refused.contains("it runs on node1 again"), "\(refused)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"])
      #expect(try lab.images() == [])
      try await eventually("the guest's voice") { try await lab.run("banner", "ctl", Lab.address(1), "1").status == 0 }
      let testimony = try await watch.end()
      #expect(testimony.first?.backwards == 0, "\(testimony)")
    }
  }

  @Test("A worker that is killed while the guest is an image restores it at its next start, and answers once")
  func killed() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=256", "fill=240")
      let bus = try await LabBus(lab)
      try await bus.publish("fast/migfra/node1/task", task(to: "node2", id: "k"))
      try await eventually("image", within: .seconds(20)) { try !lab.images().isEmpty }
      try await lab.kill("migfra-worker", on: "node1")
      #expect(bus.results(of: "node1") == [])
      try await lab.restart("migfra-worker", on: "node1")
      let answer = try await eventually("answer after the restart", within: .seconds(60)) {
        bus.results(of: "node1").first
      }
      #expect(answer.contains("id: k\nvm-name: vm1\nstatus: success"), "\(answer)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
      #expect(try lab.images() == [])
      #expect(bus.results(of: "node1").count == 1)

      // As if its worker had been killed while the guest was restored: since then it has run, and what is in the file is old.
      try await lab.must("exec", "node2", "virsh", "destroy", "vm1")
      let old = "vm1@node1.migfra-restoring"
      #expect(FileManager.default.createFile(atPath: "\(lab.folder.path)/state/shared/\(old)", contents: nil))
      let doubtful = try await bus.ask("node1", task(to: "node2", id: "d"))
      #expect(doubtful.contains("code: in-doubt") && doubtful.contains(old), "\(doubtful)")
      #expect(try lab.images() == [old])
    }
  }
}
