import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("What a worker says of its host")
struct WorkerReportTests {
  @Test("the host is announced when it has been looked at, when it changes, and when the bus is back")
  func announcements() {
    var bench = Workbench(hasInventory: false)
    bench.handle(.busConnected)
    #expect(bench.announced.isEmpty, "an empty list would be taken for an empty host")
    bench.handle(.inventoryTaken(Workbench.inventory))
    bench.handle(.inventoryTaken(Workbench.inventory))
    #expect(bench.announced.count == 1, "what has not changed is no news")
    bench.handle(.busConnected)
    var changed = Workbench.inventory
    changed.vms[0].state = .paused
    bench.handle(.inventoryTaken(changed))
    #expect(bench.announced.map(\.sequence) == [1, 2, 3])
    #expect(bench.announced.map(\.vms) == [Workbench.inventory.vms, Workbench.inventory.vms, changed.vms])
    #expect(
      bench.announced.allSatisfy {
        $0.host == "n1" && $0.epoch == 5 && $0.presence == .online && $0.isHypervisorReachable && $0.version == "1"
          && $0.capacity == Workbench.inventory.capacity && $0.hypervisor == "test 1"
      })
  }

  @Test("a hypervisor that is lost, and back, is announced each time once")
  func hypervisorLost() {
    var bench = Workbench()
    bench.handle(.hypervisorLost("refused"))
    bench.handle(.hypervisorLost("refused"))
    bench.handle(.inventoryTaken(Workbench.inventory))
    #expect(bench.announced.map(\.isHypervisorReachable) == [true, false, true])
    #expect(bench.announced[1].vms == Workbench.inventory.vms, "what was seen last stays")
  }

  @Test("the farewell is newer than anything before it")
  func farewell() {
    var bench = Workbench()
    bench.handle(.busConnected)
    #expect(bench.machine.farewell.presence == .stopped)
    #expect(bench.machine.farewell.sequence == 3 && bench.machine.farewell.epoch == 5)
  }
}
