import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Migrations that fail")
struct CoordinatorFailureTests {
  @Test("a failure that may pass is tried again after a pause, under a new id")
  func retry() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    let first = cluster.order("a")?.task
    cluster.answer("a", failing: .hypervisor)
    #expect(cluster.plans.first?.moves.first?.state == .retrying)
    cluster.pass(.milliseconds(999))
    #expect(cluster.sent.count == 1)
    cluster.pass(.milliseconds(1))
    #expect(cluster.sent == ["a:n1>n2", "a:n1>n2"] && cluster.order("a")?.task != first)
    cluster.complete("a")
    #expect(cluster.answers(task).first?.entries.first?.details == "1")
  }

  @Test("a machine that paused gives its slot to another")
  func retryFreesSlot() {
    var cluster = Coordination(["n1": ["a", "b"], "n2": []], outgoing: 1)
    cluster.evacuate("n1")
    cluster.answer("a", failing: .hypervisor)
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n2"])
  }

  @Test("a destination that caused the failure is left for another, if there is one")
  func elsewhere() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.evacuate("n1")
    cluster.answer("a", failing: .destination)
    cluster.pass(.seconds(1))
    #expect(cluster.sent == ["a:n1>n2", "a:n1>n3"])
    var alone = Coordination(["n1": ["a"], "n2": []])
    alone.evacuate("n1")
    alone.answer("a", failing: .destination)
    alone.pass(.seconds(1))
    #expect(alone.sent == ["a:n1>n2", "a:n1>n2"])
  }

  @Test("attempts that are used up end in failure, with libvirt's own words")
  func usedUp() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1", NodeEvacuation(retries: 2))
    for _ in 0..<3 {
      cluster.answer("a", failing: .hypervisor, details: "libvirt: no")
      cluster.pass(.seconds(10))
    }
    #expect(cluster.sent.count == 3)
    #expect(cluster.answers(task).map(\.status) == [.error])
    #expect(
      cluster.answers(task).first?.entries == [VMOutcome(vm: "a", failure: .hypervisor, details: "libvirt: no")])
    #expect(cluster.states("n1") == [.draining, .partial] && cluster.plans.map(\.state) == [.failed])
  }

  @Test("a host to whose tasks nobody listens is given up at once")
  func undeliverable() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.handle(.taskUndeliverable(cluster.order("a")?.task ?? "", to: "n1"))
    #expect(cluster.answers(task).first?.entries.map(\.code) == [.noWorker])
  }
}
