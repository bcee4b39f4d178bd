import ClusterModel
import CoordinatorCore
import Testing

@Suite("The cluster as its hosts report it")
struct ClusterReportTests {
  private func report(_ host: HostName, _ vms: [VirtualMachine] = []) -> HostReport {
    HostReport(host: host, presence: .online, epoch: 1, capacity: .sample(16, 8), vms: vms)
  }

  @Test("racks, labels and links are taken over; what a host does not say is unknown")
  func traits() throws {
    var known = report("n1")
    known.capacity.labels = ["gen2", "ib"]
    known.capacity.rack = "r1"
    known.capacity.bandwidthMiB = 1192
    let cluster = ClusterSnapshot(reports: [known, report("n2")], nodes: [:], coming: [])
    #expect(cluster.placementRules.labels == ["n1": ["gen2", "ib"]])
    #expect(cluster.placementRules.racks == ["n1": "r1"])
    #expect(cluster.hosts.map(\.capacity.bandwidthMiB) == [1192, nil])
  }

  @Test("a faster link makes the plan's estimate shorter")
  func bandwidth() throws {
    func end(_ bandwidth: Int?) throws -> Double {
      var hosts = [report("n1", [.sample("a", memory: 8)]), report("n2")]
      for index in hosts.indices { hosts[index].capacity.bandwidthMiB = bandwidth }
      let cluster = ClusterSnapshot(reports: hosts, nodes: [:], coming: [])
      return try #require(Planner.plan(EvacuationRequest(sources: ["n1"]), on: cluster).score.seconds)
    }
    // 8 GiB by one of two slots of 1 GiB/s, and a second for the rest.
    #expect(abs(try end(1024) - 17) < 0.1)
    #expect(try end(4096) < end(1024))
    #expect(try end(nil) < 17)
  }

  @Test("what is on its way takes room at its destination, once, until the destination shows it")
  func coming() {
    let vm = VirtualMachine.sample("a", memory: 4, vcpus: 2)
    var arriving = vm
    arriving.state = .arriving
    let move = Plan.Move(vm: vm, source: "n1", destination: "n2")
    for (there, memory) in [([], 4), ([arriving], 4), ([vm], 0)] as [([VirtualMachine], Int)] {
      let cluster = ClusterSnapshot(reports: [report("n1", [vm]), report("n2", there)], nodes: [:], coming: [move])
      #expect(cluster.hosts[1].reservedMemoryKiB == gib(memory))
    }
    let foreign = ClusterSnapshot(reports: [report("n2", [arriving])], nodes: [:], coming: [])
    #expect(foreign.hosts[0].reservedVCPUs == 2)
  }

  @Test("a host says why it may not receive")
  func obstacles() {
    var lost = report("n1")
    lost.isHypervisorReachable = false
    let nodes: [HostName: NodeReport] = [
      "n2": NodeReport(host: "n2", state: .draining, reason: ""),
      "n3": NodeReport(host: "n3", state: .cordoned, reason: ""),
      "n4": NodeReport(host: "n4", state: .active, reason: ""),
    ]
    let reports = [lost, report("n2"), report("n3"), report("n4")]
    let cluster = ClusterSnapshot(reports: reports, nodes: nodes, coming: [])
    #expect(
      cluster.hosts.map { $0.obstacle?.description }
        == ["its hypervisor cannot be reached", "it is being emptied itself", "cordoned", nil])
  }
}
