import TestSupport
import Testing

/// A machine that somebody has defined on a second host, on real hosts.
@Suite("Strays, in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct StrayTests {
  @Test("A definition on a second host is told, shown and removed; the guest and a migration of it are left in peace")
  func definition() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=64", "fill=48")
      let bus = try await LabBus(lab)
      let events = { bus.messages.filter { $0.topic == "fast/coordinator/event" && $0.text.contains("uuid:") } }
      // A migration shows the machine on both hosts for a while: nothing is said of it.
      #expect(try await lab.migfra("migrate", "vm1", "node2").status == 0)
      #expect(try await lab.migfra("migrate", "vm1", "node1").status == 0)
      let watch = try Watch(lab, guests: 1)
      let xml = try await lab.virsh("node1", "dumpxml", "vm1", "--inactive")
      try lab.folder.write(xml, to: "vm1.xml")
      _ = try await lab.virsh("node2", "define", lab.folder.file("vm1.xml"))
      let found = try await eventually("word of it", within: .seconds(60)) { events().first }
      #expect(found.text.contains("a machine is defined on a host while it runs on another"), "\(found)")
      #expect(found.text.contains("defined-on: node2") && found.text.contains("runs-on: node1"), "\(found)")
      let node = try await eventually("the node's state") {
        bus.messages.last { $0.topic == "fast/coordinator/node/node2" && $0.text.contains("strays:") }
      }
      #expect(node.text.contains("name: vm1") && node.text.contains("active: false"), "\(node)")
      #expect(try await lab.migfra("vms").text.contains("off, while it runs on node1"))
      let listed = try await lab.migfra("gc", "--dry-run")
      #expect(listed.status == 0 && listed.text.contains("-t fast/migfra/node2/task"), "\(listed.text)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running", "node2/shut off"])
      let removed = try await lab.migfra("gc", "--yes")
      #expect(removed.status == 0 && removed.text.contains("node2  vm1  removed"), "\(removed.text)")
      let gone = try await eventually("word of its end") { events().dropFirst().first }
      #expect(gone.text.contains("a machine is on one host only again"), "\(gone)")
      #expect(events().count == 2)
      #expect(try await lab.migfra("gc", "--dry-run").text.contains("no machine is on more than one host"))
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"])
      for testimony in try await watch.end() { #expect(testimony.backwards == 0, "\(testimony)") }
    }
  }
}
