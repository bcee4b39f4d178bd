import Foundation
import TestSupport
import Testing

/// Devices that cannot migrate: taken off before, given back after.
@Suite("Devices in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct DeviceTests {
  @Test("Shared memory is taken off, moved and attached again; a guest that does not let go keeps it")
  func sharedMemory() async throws {
    try await Lab.with(hosts: 2) { lab in
      let bus = try await LabBus(lab)
      let started = try await start(1, on: "node1", "ivshmem: {id: piece, size: 4}", lab, bus)
      #expect(started.contains("status: success"), "\(started)")
      let before = try await lab.devices("shmem", of: "vm1", on: "node1")
      #expect(before.count == 1)
      #expect(before.first?.contains("<shmem name='piece'") == true, "\(before)")

      let watch = try Watch(lab, guests: 1)
      let moved = try await bus.ask("node1", migrate("vm1", to: "node2"))
      #expect(moved.contains("status: success"), "\(moved)")
      #expect(moved.contains("detach-ivshmem-devs: 0."), "\(moved)")
      #expect(moved.contains("reattach-ivshmem-devs: 0."), "\(moved)")
      #expect(!moved.contains("pci-devs"), "\(moved)")
      #expect(try await lab.devices("shmem", of: "vm1", on: "node2") == before)
      #expect(try await lab.virsh("node2", "dumpxml", "vm1").contains("urn:migfra") == false)
      #expect(try await watch.end().first?.backwards == 0)

      // Saved and restored: the same, without libvirt's migration.
      let saved = try await bus.ask("node2", migrate("vm1", to: "node1", "migration-type: offline"))
      #expect(saved.contains("status: success"), "\(saved)")
      #expect(try await lab.devices("shmem", of: "vm1", on: "node1") == before)

      let again = try await bus.ask(
        "node1",
        "task: start vm\nvm-configurations: [{vm-name: vm1, probe-with-ssh: false, ivshmem: {id: a, size: 1}}]\n")
      #expect(again.contains("it runs already; not touched: its devices"), "\(again)")

      let stubborn = try await start(
        2, on: "node1", "ivshmem: {id: other, size: 4}", lab, bus, "args=noeject=1")
      #expect(stubborn.contains("status: success"), "\(stubborn)")
      let kept = try await bus.ask("node1", migrate("vm2", to: "node2"))
      #expect(kept.contains("did not let go of shared memory other within 10 s"), "\(kept)")
      #expect(kept.contains("code: devices"), "\(kept)")
      #expect(try await lab.whereabouts(of: "vm2", hosts: 2) == ["node1/running"])
      #expect(try await lab.devices("shmem", of: "vm2", on: "node1").count == 1)
    }
  }

  @Test("A migration that fails gives the piece back; a worker that is killed finds it by the note, at either end")
  func killed() async throws {
    try await Lab.with(hosts: 2) { lab in
      let bus = try await LabBus(lab)
      let started = try await start(1, on: "node1", "ivshmem: {id: piece, size: 4}", lab, bus, "mem=96", "fill=80")
      #expect(started.contains("status: success"), "\(started)")
      let before = try await lab.devices("shmem", of: "vm1", on: "node1")
      let givenUp = try await bus.ask("node1", migrate("vm1", to: "node2", "bandwidth: 5, timeout: 2"))
      #expect(givenUp.contains("it runs on here (its devices were attached again)"), "\(givenUp)")
      #expect(try await lab.devices("shmem", of: "vm1", on: "node1") == before)

      // Killed, and the migration fails meanwhile: the next incarnation tries again.
      try await beginAndKill("node1", migrate("vm1", to: "node2", "bandwidth: 20", id: "a"), lab, bus)
      #expect(try await lab.virsh("node1", "dumpxml", "vm1").contains("urn:migfra:devices"))
      #expect(try await lab.devices("shmem", of: "vm1", on: "node1") == [])
      _ = try await lab.virsh("node1", "domjobabort", "vm1")
      let moved = try await restart("node1", lab, bus)
      #expect(moved.contains("id: a\nvm-name: vm1\nstatus: success"), "\(moved)")
      #expect(try await lab.devices("shmem", of: "vm1", on: "node2") == before)

      // Killed, and libvirtd brings the machine to its destination without a worker.
      try await beginAndKill("node2", migrate("vm1", to: "node1", "bandwidth: 20", id: "b"), lab, bus)
      try await eventually("arrival", within: .seconds(30)) {
        try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"]
      }
      #expect(try await lab.devices("shmem", of: "vm1", on: "node1") == [])
      let completed = try await restart("node2", lab, bus)
      #expect(completed.contains("id: b\nvm-name: vm1\nstatus: success"), "\(completed)")
      #expect(try await lab.devices("shmem", of: "vm1", on: "node1") == before)
      #expect(try await lab.virsh("node1", "dumpxml", "vm1").contains("urn:migfra") == false)
    }
  }

  /// Kills the worker while the machine is being copied.
  private func beginAndKill(_ host: String, _ task: String, _ lab: Lab, _ bus: LabBus) async throws {
    let topic = "fast/migfra/\(host)/progress"
    let before = bus.messages.count
    try await bus.publish("fast/migfra/\(host)/task", task)
    try await eventually("copying", within: .seconds(20)) {
      bus.messages.dropFirst(before).contains { $0.topic == topic && $0.text.contains("phase: copying") }
    }
    try await lab.kill("migfra-worker", on: host)
  }

  /// The answer that the next incarnation of the worker gives.
  private func restart(_ host: String, _ lab: Lab, _ bus: LabBus) async throws -> String {
    let before = bus.results(of: host).count
    try await lab.restart("migfra-worker", on: host)
    return try await eventually("answer after the restart", within: .seconds(60)) {
      bus.results(of: host).dropFirst(before).first
    }
  }

  @Test("Devices of the host: chosen, refused, taken along to another address, kept when the guest insists")
  func passthrough() async throws {
    try await Lab.with(hosts: 1, deviceHosts: 2) { lab in
      let bus = try await LabBus(lab)
      let edu = "pci-ids: [{vendor: 0x1234, device: 0x11e8}]"
      for number in 1...2 {
        let started = try await start(number, on: "vnode1", edu, lab, bus)
        #expect(started.contains("status: success"), "\(started)")
      }
      #expect(try await lab.sources(of: "vm1", on: "vnode1") == ["0x10"])
      #expect(try await lab.sources(of: "vm2", on: "vnode1") == ["0x14"])
      let third = try await start(3, on: "vnode1", edu, lab, bus)
      #expect(
        third.contains(
          "no free PCI device 1234:11e8 on vnode1: of 2, vm1 has 0000:00:10.0, vm2 has 0000:00:14.0"), "\(third)")
      #expect(third.contains("code: devices"), "\(third)")
      #expect(try await lab.virsh("vnode1", "list", "--all", "--name").contains("vm3") == false)

      // Its definition has the device, too, as if an operator had given it.
      let file = lab.folder.file("device.xml")
      try
        "<hostdev mode='subsystem' type='pci' managed='yes'><source><address bus='0' slot='0x10' function='0'/></source></hostdev>"
        .write(toFile: file, atomically: true, encoding: .utf8)
      _ = try await lab.virsh("vnode1", "attach-device", "vm1", file, "--config")

      // To a host where the type has another address.
      let watch = try Watch(lab, guests: 1)
      let moved = try await bus.ask("vnode1", migrate("vm1", to: "vnode2"), within: .seconds(90))
      #expect(moved.contains("status: success"), "\(moved)")
      #expect(moved.contains("detach-pci-devs: ") && moved.contains("reattach-pci-devs: "), "\(moved)")
      #expect(try await lab.sources(of: "vm1", on: "vnode2") == ["0x11"])
      #expect(try await lab.sources(of: "vm1", on: "vnode2", ["--inactive"]) == ["0x11"])
      #expect(try await lab.virsh("vnode1", "nodedev-dumpxml", "pci_0000_00_10_0").contains("vfio-pci") == false)
      let testimony = try await watch.end()
      #expect(testimony.first?.backwards == 0, "\(testimony)")
      #expect(try #require(testimony.first).answers > 10, "\(testimony)")

      // Where none is free any more: `devs` names the other one.
      let both = "devs: [{pci-addr: '0000:00:15.0'}]\n    pci-ids: [{vendor: 0x8086, device: 0x10d3}]"
      let stubborn = try await start(4, on: "vnode2", both, lab, bus, "args=noeject=1")
      #expect(stubborn.contains("status: success"), "\(stubborn)")
      let refused = try await bus.ask("vnode1", migrate("vm2", to: "vnode2"))
      #expect(refused.contains("vm1 has 0000:00:11.0, vm4 has 0000:00:15.0; nothing was touched"), "\(refused)")
      #expect(refused.contains("code: devices"), "\(refused)")
      #expect(try await lab.sources(of: "vm2", on: "vnode1") == ["0x14"])
      #expect(try await lab.virsh("vnode1", "domstate", "vm2").contains("running"))

      // A guest that does not let go, though there is room for it.
      let kept = try await bus.ask("vnode2", migrate("vm4", to: "vnode1"), within: .seconds(90))
      #expect(kept.contains("did not let go of PCI device 1234:11e8 (0000:00:15.0) within 10 s"), "\(kept)")
      #expect(kept.contains("code: devices"), "\(kept)")
      #expect(try await lab.sources(of: "vm4", on: "vnode2") == ["0x15", "0x19"])
      #expect(try await lab.virsh("vnode2", "domstate", "vm4").contains("running"))
    }
  }

  /// Starts a guest from its XML, with devices, and waits for its banner; the answer.
  private func start(
    _ number: Int, on host: String, _ devices: String, _ lab: Lab, _ bus: LabBus, _ settings: String...
  ) async throws -> String {
    let xml = try await lab.run(["xml", "vm\(number)", "ip=\(Lab.address(number))", "mem=16"] + settings).text
    let indented = xml.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n")
    return try await bus.ask(
      host,
      """
      task: start vm
      vm-configurations:
        - probe-hostname: \(Lab.address(number))
          \(devices)
          xml: |
      \(indented)
      """, within: .seconds(90))
  }

  private func migrate(
    _ vm: String, to destination: String, _ parameter: String = "migration-type: live", id: String = UUID().uuidString
  ) -> String {
    """
    task: migrate vm
    id: \(id)
    vm-name: \(vm)
    destination: \(destination)
    time-measurement: true
    parameter: {retry-counter: 0, \(parameter)}
    """
  }
}

extension Lab {
  /// The elements of that name in a running machine's description, without libvirt's names for them.
  fileprivate func devices(
    _ element: String, of vm: String, on host: String, _ options: [String] = []
  ) async throws -> [String] {
    let xml = try await virsh(host, ["dumpxml", vm] + options)
    return xml.components(separatedBy: "<\(element) ").dropFirst().map { rest in
      "<\(element) " + (rest.components(separatedBy: "</\(element)>").first ?? "")
    }
  }

  /// The slots on the host's bus of the devices that were handed through to a machine.
  fileprivate func sources(of vm: String, on host: String, _ options: [String] = []) async throws -> [String] {
    try await devices("hostdev", of: vm, on: host, options).map { device in
      let source = device.components(separatedBy: "<source>").last ?? ""
      let slot = source.components(separatedBy: "slot='").dropFirst().first ?? ""
      return String(slot.prefix { $0 != "'" })
    }
  }
}
