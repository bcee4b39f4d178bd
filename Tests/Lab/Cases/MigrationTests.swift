import Foundation
import TestSupport
import Testing

/// How one migration goes, on real guests.
@Suite("Migration in the lab", .serialized, .requiresLab, .timeLimit(.minutes(5)))
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
}
