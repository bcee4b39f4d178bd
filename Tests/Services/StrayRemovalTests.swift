import ClusterModel
import Foundation
import MigfraProtocol
import TestSupport
import Testing

@Suite("A definition that was left behind is removed by its worker, if that is safe", .timeLimit(.minutes(2)))
struct StrayRemovalTests {
  /// Runs `body` with vm1 running on node1; node2 has a machine of that name too.
  private func with(
    _ state: VirtualMachine.State, sameMachine: Bool = true, onlyDefinition: Bool = false,
    _ body: @Sendable (RehearsalCluster, _ uuid: String) async throws -> Void
  ) async throws {
    try await RehearsalCluster.with(["node1", "node2"]) { cluster in
      try await cluster.startMachines(1, on: "node1")
      var vm = try #require(cluster.report(of: "node1")?.vms.first)
      let uuid = vm.uuid
      if onlyDefinition {
        var transient = vm
        transient.isPersistent = false
        try Data(transient.encoded()).write(to: file(cluster, "node1"))
        try await eventually("transient") { cluster.report(of: "node1")?.vms.first?.isPersistent == false }
      }
      vm.state = state
      if !sameMachine { vm.uuid = UUID().uuidString.lowercased() }
      try Data(vm.encoded()).write(to: file(cluster, "node2"))
      try await eventually("both in the reports") { cluster.report(of: "node2")?.vms.count == 1 }
      try await body(cluster, uuid)
    }
  }

  private func file(_ cluster: RehearsalCluster, _ host: HostName) -> URL {
    URL(fileURLWithPath: cluster.folder.file("cluster/\(host)/vm1.yaml"))
  }

  private func task(_ uuid: String) -> String {
    "task: stop vm\nlist: [{vm-name: vm1, undefine: true, stray: \(uuid)}]\n"
  }

  @Test("The other copy runs: the definition goes, and the machine runs on")
  func removed() async throws {
    try await with(.shutOff) { cluster, uuid in
      let answer = try await cluster.ask("node2", task(uuid.uppercased()))
      #expect(answer == "result: vm stopped\nlist:\n- vm-name: vm1\n  status: success\n", "\(answer)")
      try await eventually("gone") { cluster.report(of: "node2")?.vms == [] }
      #expect(cluster.report(of: "node1")?.activeVMs.map(\.name) == ["vm1"])
    }
  }

  @Test("One that runs is never touched", arguments: [VirtualMachine.State.running, .paused])
  func active(_ state: VirtualMachine.State) async throws {
    try await with(state) { cluster, uuid in
      let answer = try await cluster.ask("node2", task(uuid))
      #expect(answer.contains("status: error") && answer.contains("code: wrong-state"), "\(answer)")
      #expect(cluster.report(of: "node2")?.vms.map(\.state) == [state])
    }
  }

  @Test("The other copy does not run: this may be the only one, and stays")
  func notRunning() async throws {
    try await with(.shutOff) { cluster, uuid in
      _ = try await cluster.ask("node1", "task: stop vm\nlist: [{vm-name: vm1, force: true}]\n")
      try await eventually("off") { cluster.report(of: "node1")?.activeVMs == [] }
      let answer = try await cluster.ask("node2", task(uuid))
      #expect(answer.contains("no other host reports that it runs vm1") && answer.contains("code: wrong-state"))
      #expect(cluster.report(of: "node2")?.vms.count == 1)
    }
  }

  @Test("The other copy runs without a definition: this is the only one, and stays")
  func onlyDefinition() async throws {
    try await with(.shutOff, onlyDefinition: true) { cluster, uuid in
      let answer = try await cluster.ask("node2", task(uuid))
      #expect(answer.contains("that on node2 may be the only one") && answer.contains("code: wrong-state"))
      #expect(cluster.report(of: "node2")?.vms.count == 1)
    }
  }

  @Test("Another machine of the same name stays")
  func otherMachine() async throws {
    try await with(.shutOff, sameMachine: false) { cluster, uuid in
      let answer = try await cluster.ask("node2", task(uuid))
      #expect(answer.contains("code: wrong-state"), "\(answer)")
      #expect(cluster.report(of: "node2")?.vms.count == 1)
    }
  }
}
