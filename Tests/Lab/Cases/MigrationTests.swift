import Foundation
import TestSupport
import Testing

/// How one migration goes, on real guests.
@Suite("Migration in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct MigrationTests {
  private func migrate(_ parameter: String, to destination: String = "node2") -> String {
    "task: migrate vm\nvm-name: vm1\ndestination: \(destination)\nparameter: {retry-counter: 0, \(parameter)}\n"
  }

  @Test("A vcpu-map is in force at the destination, live and in the definition; a CPU that is not there is refused")
  func pins() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=16")
      let bus = try await LabBus(lab)
      let refused = try await bus.ask("node1", migrate("vcpu-map: [[9999]]"))
      #expect(refused.contains("vcpu-map[0] names CPU 9999, node2 has"), "\(refused)")
      let moved = try await bus.ask("node1", migrate("vcpu-map: [[1]]"))
      #expect(moved.contains("status: success"), "\(moved)")
      #expect(try await lab.must("exec", "node2", "virsh", "vcpuinfo", "vm1").contains("CPU Affinity:   -y"))
      #expect(try await lab.must("exec", "node2", "virsh", "dumpxml", "--inactive", "vm1").contains("cpuset='1'"))
    }
  }

  @Test("A guest that writes faster than the link: given up in time, and moved by post-copy")
  func faster() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=96", "fill=64", "dirty=100", "ws=64")
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 1)
      let began = ContinuousClock.now
      let givenUp = try await bus.ask("node1", migrate("bandwidth: 20, timeout: 6"))
      #expect(givenUp.contains("given up after 6 s, the task's timeout; it runs on here"), "\(givenUp)")
      #expect(givenUp.contains("code: timeout"))
      #expect(ContinuousClock.now - began >= .seconds(6), "the link was not limited")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"])

      let moved = try await bus.ask("node1", migrate("bandwidth: 20, post-copy: true, timeout: 60"))
      #expect(moved.contains("status: success"), "\(moved)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
      let testimony = try await watch.end()
      #expect(testimony.first?.backwards == 0, "\(testimony)")
    }
  }

  @Test(
    "A paused guest arrives paused, a transient one transient, a warm one without a second boot; the new process is told"
  )
  func kinds() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=64", "fill=32")
      try await lab.must("start", "node1", "vm2", "transient=1", "mem=16", "ip=\(Lab.address(2))")
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 1)
      let warm = try await bus.ask("node1", migrate("migration-type: warm, rdma-migration: true"))
      #expect(warm.contains("status: success"), "\(warm)")
      #expect(warm.contains("details: \"0; moved over TCP: this host has no RDMA device"), "\(warm)")
      let process = try await lab.must("exec", "node2", "cat", "/run/libvirt/qemu/vm1.pid")
      #expect(warm.contains("process-id: \(process)"), "\(warm) \(process)")
      #expect(try await watch.end().first?.backwards == 0)

      let transient = try await bus.ask(
        "node1", "task: migrate vm\nvm-name: vm2\ndestination: node2\nparameter: {transport: tcp}\n")
      #expect(transient.contains("status: success"), "\(transient)")
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node2/running"])

      try await lab.must("exec", "node2", "virsh", "suspend", "vm1")
      let paused = try await bus.ask("node2", migrate("", to: "node1"))
      #expect(paused.contains("status: success"), "\(paused)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/paused"])

      // Known from node2's own report: nothing is started here.
      let copy = try await bus.ask(
        "node1", "task: start vm\nvm-configurations: [{vm-name: vm2, probe-with-ssh: false}]\n")
      #expect(copy.contains("vm2 runs on node2") && copy.contains("code: exists"), "\(copy)")
    }
  }

  @Test("A destination whose daemon is away is tried again until it is back")
  func retries() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=16")
      let bus = try await LabBus(lab)
      try await lab.must("daemon", "node2", "kill")
      try await bus.publish(
        "fast/migfra/node1/task",
        "task: migrate vm\nid: r\nvm-name: vm1\ndestination: node2\nparameter: {retry-counter: 20}\n")
      try await eventually("first failure") { lab.log("migfra-worker", on: "node1").contains("is tried again") }
      try await lab.must("daemon", "node2", "start")
      let answer = try await eventually("answer", within: .seconds(60)) { bus.results(of: "node1").first }
      #expect(answer.contains("status: success"), "\(answer)")
      let retries = answer.components(separatedBy: "details: \"").dropFirst().first?.prefix { $0.isNumber }
      #expect(Int(retries ?? "0") ?? 0 > 0, "\(answer)")
    }
  }

  @Test("Snapshots, with which libvirt moves nothing, are named before anything is touched")
  func snapshots() async throws {
    try await Lab.with(hosts: 2) { lab in
      let disk = "\(lab.folder.path)/state/shared/vm1.qcow2"
      try await lab.must("exec", "node1", "qemu-img", "create", "-q", "-f", "qcow2", disk, "8M")
      try await lab.startGuests(1, on: "node1", "mem=16", "disk=\(disk)", "format=qcow2")
      try await lab.must("exec", "node1", "virsh", "snapshot-create-as", "vm1", "before")
      let bus = try await LabBus(lab)
      let refused = try await bus.ask("node1", migrate(""))
      #expect(refused.contains("vm1 has 1 snapshots recorded on node1"), "\(refused)")
      #expect(refused.contains("code: wrong-state"))
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"])
    }
  }

  @Test("A cancelled migration leaves the guest where it is; what waits is never begun; what has ended is too late")
  func cancel() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=96", "fill=80")
      try await lab.must("rate", "node1", "50mbit")
      let bus = try await LabBus(lab)
      let watch = try Watch(lab, guests: 1)
      try await bus.publish("fast/migfra/node1/task", "task: migrate vm\nid: m1\nvm-name: vm1\ndestination: node2\n")
      try await bus.publish("fast/migfra/node1/task", "task: stop vm\nid: s1\nlist: [{vm-name: vm1, force: true}]\n")
      try await eventually("copying", within: .seconds(20)) {
        bus.messages.contains { $0.topic == "fast/migfra/node1/progress" && $0.text.contains("phase: copying") }
      }
      try await bus.publish("fast/migfra/node1/task", "task: cancel\nid: c1\ntask-id: s1\n")
      try await bus.publish("fast/migfra/node1/task", "task: cancel\nid: c2\ntask-id: m1\n")
      try await eventually("four answers", within: .seconds(30)) { bus.results(of: "node1").count == 4 }
      let answers = bus.results(of: "node1")
      func answer(_ id: String) -> String { answers.first { $0.contains("\nid: \(id)\n") } ?? "" }
      #expect(answer("c1").contains("status: success\ndetails: s1 was cancelled"), "\(answer("c1"))")
      #expect(answer("s1").contains("code: cancelled"), "\(answer("s1"))")
      #expect(answer("c2").contains("status: success\ndetails: m1 was cancelled"), "\(answer("c2"))")
      #expect(answer("m1").contains("it runs on here") && answer("m1").contains("code: cancelled"), "\(answer("m1"))")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"])
      let late = try await bus.ask("node1", "task: cancel\nid: c3\ntask-id: m1\n")
      #expect(late.contains("code: too-late"), "\(late)")
      let testimony = try await watch.end()
      #expect(testimony.first?.backwards == 0, "\(testimony)")
      try await lab.must("rate", "node1", "off")
      let moved = try await bus.ask("node1", migrate(""))
      #expect(moved.contains("status: success"), "\(moved)")
    }
  }

  @Test("A guest that never converges: given up by its task's wish, or let stand still for longer")
  func nonConvergence() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=96", "fill=64", "dirty=100", "ws=16")
      let bus = try await LabBus(lab)
      let givenUp = try await bus.ask("node1", migrate("bandwidth: 20, non-convergence: give-up"))
      #expect(givenUp.contains("the guest writes faster than its memory is copied; it runs on here"), "\(givenUp)")
      let moved = try await bus.ask("node1", migrate("bandwidth: 20, non-convergence: downtime"))
      #expect(moved.contains("status: success"), "\(moved)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
    }
  }

  @Test("A destination that loses its power in mid-migration: an error in time, and the guest runs on at home")
  func powerFailure() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=96", "fill=80")
      try await lab.must("rate", "node1", "50mbit")
      let bus = try await LabBus(lab)
      try await bus.publish(
        "fast/migfra/node1/task",
        "task: migrate vm\nid: f\nvm-name: vm1\ndestination: node2\nparameter: {retry-counter: 0}\n")
      try await eventually("copying", within: .seconds(20)) {
        bus.messages.contains { $0.topic == "fast/migfra/node1/progress" && $0.text.contains("phase: copying") }
      }
      try await lab.must("crash", "node2")
      // libvirt's keepalive notices after half a minute, mostly; else the worker's own patience with what does not move.
      let answer = try await eventually("answer", within: .seconds(180)) { bus.results(of: "node1").first }
      #expect(answer.contains("status: error") && answer.contains("it runs on here"), "\(answer)")
      #expect(try await lab.must("exec", "node1", "virsh", "-q", "list").contains("vm1   running"))
    }
  }
}
