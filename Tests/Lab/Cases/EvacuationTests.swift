import Foundation
import TestSupport
import Testing

/// The main job on real virtual machines.
@Suite("Evacuation in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct EvacuationTests {
  @Test("A host is emptied and its guests never stop", arguments: ["auto", "compact", "scatter"])
  func emptying(mode: String) async throws {
    try await Lab.with { lab in
      try await lab.startGuests(6, on: "node1", "mem=32", "fill=16", "dirty=2")
      let watch = try Watch(lab, guests: 6)
      let plan = try await lab.migfra("evacuate", "node1", "--mode", mode, "--dry-run")
      #expect(plan.status == 0)
      #expect(plan.text.contains("Dry run: this plan can be carried out: migfra plan apply p"))

      let done = try await lab.migfra("evacuate", "node1", "--mode", mode, "--json")
      #expect(done.status == 0, "\(done.text)")
      #expect(done.text.contains("\"state\" : \"DRAINED\""))

      var counts = ["node1": 0, "node2": 0, "node3": 0]
      for number in 1...6 {
        let places = try await lab.whereabouts(of: "vm\(number)")
        #expect(places.count == 1 && places[0].hasSuffix("/running"), "vm\(number): \(places)")
        counts[String(places[0].prefix(5)), default: 0] += 1
      }
      #expect(counts["node1"] == 0)
      #expect(mode == "compact" ? counts["node2"] == 6 : counts["node2"] == 3)

      let testimonies = try await watch.end()
      #expect(testimonies.count == 6)
      for guest in testimonies {
        #expect(guest.answers > 10 && guest.backwards == 0, "\(guest)")
        // No silence beyond the migration's own downtime, with half a second for a busy machine.
        #expect(guest.gap <= guest.stopped + 500, "\(guest)")
      }
      #expect(try await lab.migfra("hosts").text.contains("node1  DRAINED"))
    }
  }

  @Test("A host without room for all: refused as a whole, or best effort on request")
  func infeasible() async throws {
    try await Lab.with { lab in
      // Each host offers 32 CPUs: three guests of 20 fit on two hosts only in part.
      for number in 1...3 {
        try await lab.must("start", "node1", "vm\(number)", "ip=\(Lab.address(number))", "vcpus=20", "mem=16")
      }
      try await eventually("report of three machines") {
        try await lab.migfra("vms").text.components(separatedBy: "running").count > 3
      }
      let refused = try await lab.migfra("evacuate", "node1")
      #expect(refused.status == 3, "\(refused.text)")
      #expect(refused.text.contains("vm3 has no place: needs 20 CPUs"))
      #expect(try await lab.whereabouts(of: "vm1") == ["node1/running"], "nothing was moved")

      let partial = try await lab.migfra("evacuate", "node1", "--best-effort")
      #expect(partial.status == 2, "\(partial.text)")
      #expect(try await lab.whereabouts(of: "vm3") == ["node1/running"])
      #expect(try await lab.whereabouts(of: "vm1") != ["node1/running"])
      #expect(try await lab.migfra("hosts").text.contains("node1  PARTIAL"))
    }
  }

  @Test("An emptied host takes no arrivals until it is uncordoned, and may be named")
  func drainedIsNoTarget() async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=16")
      #expect(try await lab.migfra("evacuate", "node1").status == 0)
      let back = try await lab.migfra("evacuate", "node2")
      #expect(back.status == 3, "\(back.text)")
      #expect(back.text.contains("node1: drained"))
      #expect(try await lab.migfra("uncordon", "node1").status == 0)
      #expect(try await lab.migfra("evacuate", "node2", "--to", "node1").status == 0)
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"])
    }
  }
}
