import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("A coordinator after a restart")
struct CoordinatorRecallTests {
  @Test(
    "a node's state outlives the coordinator, except that nobody empties it any more",
    arguments: [(.cordoned, nil), (.drained, nil), (.partial, nil), (.active, nil), (.draining, .partial)]
      as [(NodeReport.State, NodeReport.State?)])
  func recalledNodes(state: NodeReport.State, said: NodeReport.State?) {
    var cluster = Coordination()
    cluster.handle(.nodeRecalled(NodeReport(host: "n2", state: state, reason: "before")))
    #expect(cluster.states("n2") == [said].compactMap { $0 })
    cluster.add("n1", [.sample("a")])
    cluster.add("n2")
    cluster.evacuate("n1")
    #expect(cluster.sent == (state == .active ? ["a:n1>n2"] : []))
  }

  @Test("a host whose emptying was on disk, and not said yet, takes no arrivals")
  func killedBeforeItWasSaid() throws {
    var before = Coordination(["n1": ["a"], "n2": ["b"], "n3": []])
    before.evacuate("n1")
    let saved = before.effects.flatMap { if case .save(let saved) = $0 { saved } else { [SavedOperation]() } }
    var machine = CoordinatorMachine(CoordinatorMachine.Configuration(epoch: 8))
    let effects = machine.restore(try #require(saved.last), isAnswered: false, at: before.moment)
    #expect(effects.contains { if case .publishNode(let node) = $0 { node.state == .draining } else { false } })
    for host: HostName in ["n1", "n2", "n3"] {
      let report = HostReport(
        host: host, presence: .online, epoch: 1, sequence: 9, capacity: .sample(16, 16), vms: before.vms[host] ?? [])
      _ = machine.handle(.hostReported(report), at: before.moment)
    }
    #expect(machine.snapshot().hosts.map(\.obstacle) == [.draining, nil, nil])
  }

  @Test("what the broker kept does not undo what this coordinator has said since")
  func recalledTooLate() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.handle(.nodeRecalled(NodeReport(host: "n2", state: .cordoned, reason: "before")))
    cluster.send(.uncordon, for: "n2")
    // The connection was lost before the broker had the new state: it repeats the old one.
    cluster.handle(.nodeRecalled(NodeReport(host: "n2", state: .cordoned, reason: "before")))
    cluster.evacuate("n1")
    #expect(cluster.sent == ["a:n1>n2"])
  }

  @Test(
    "a recalled plan that was under way is called partial; one that had its end is left alone",
    arguments: PlanReport.State.allCases)
  func recalledPlans(state: PlanReport.State) {
    var cluster = Coordination()
    let plan = PlanReport(
      id: "p1-1", operation: .evacuation(EvacuationRequest(sources: ["n1"])), state: state, remainingSeconds: 5)
    cluster.handle(.planRecalled(plan))
    cluster.handle(.planRecalled(plan))
    #expect(cluster.plans.map(\.state) == (state.isFinal ? [] : [.partial]))
    #expect(cluster.plans.allSatisfy { $0.remainingSeconds == nil })
  }

  @Test("the echo of a plan that is under way changes nothing")
  func ownPlanRecalled() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    let count = cluster.effects.count
    cluster.handle(.planRecalled(cluster.plans[0]))
    #expect(cluster.effects.count == count)
  }

  @Test("only the latest finished plans are kept, those of earlier lives among them")
  func keptPlans() {
    var cluster = Coordination(["n1": [], "n2": []], keptPlans: 3)
    cluster.handle(
      .planRecalled(PlanReport(id: "p1-1", operation: .evacuation(EvacuationRequest(sources: ["n1"])), state: .drained))
    )
    for _ in 0..<5 {
      cluster.evacuate("n1")
      cluster.evacuate("n2", NodeEvacuation(isDryRun: true))
    }
    let forgotten = cluster.effects.compactMap { effect -> PlanID? in
      if case .forgetPlan(let plan) = effect { plan } else { nil }
    }
    #expect(forgotten == ["p1-1", "p7-1", "p7-2", "p7-3", "p7-4", "p7-5", "p7-6", "p7-7"])
  }
}
