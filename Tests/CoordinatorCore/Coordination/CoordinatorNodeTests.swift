import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("What the coordinator says of hosts")
struct CoordinatorNodeTests {
  @Test("a cordoned host receives nothing unless it is named, until it is uncordoned")
  func cordon() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    let task = cluster.send(.cordon(reason: "fan"), for: "n2")
    #expect(
      cluster.answers(task) == [
        TaskResult(
          title: .nodeCordoned, id: task, scheduler: "global", status: .success, details: "n2 takes no arrivals")
      ])
    #expect(cluster.effects.contains(.publishNode(NodeReport(host: "n2", state: .cordoned, reason: "fan"))))
    let before = cluster.evacuate("n1", NodeEvacuation(isDryRun: true))
    #expect(cluster.answers(before).first?.entries.first?.details == "would move to n3")
    let named = cluster.evacuate("n1", NodeEvacuation(destinations: ["n2"], isDryRun: true))
    #expect(cluster.answers(named).first?.entries.first?.details == "would move to n2")
    let again = cluster.send(.cordon(reason: "fan again"), for: "n2")
    #expect(cluster.answers(again).first?.details == "n2 is CORDONED already")
    let back = cluster.send(.uncordon, for: "n2")
    #expect(cluster.answers(back).first?.details == "n2 takes arrivals")
    #expect(cluster.states("n2") == [.cordoned, .active])
    let after = cluster.evacuate("n1", NodeEvacuation(isDryRun: true))
    #expect(cluster.answers(after).first?.entries.first?.details == "would move to n2")
  }

  @Test("a drained host takes nothing until it is uncordoned")
  func drained() {
    var cluster = Coordination(["n1": [], "n2": ["b"]])
    cluster.evacuate("n1")
    let refused = cluster.evacuate("n2")
    #expect(cluster.answers(refused).first?.entries.first?.details == "no destination: n1: drained")
    cluster.send(.uncordon, for: "n1")
    cluster.evacuate("n2")
    #expect(cluster.sent == ["b:n2>n1"])
  }

  @Test("a host that is being emptied is neither cordoned nor uncordoned")
  func cordonWhileDraining() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    let cordon = cluster.send(.cordon(reason: "x"), for: "n1")
    #expect(cluster.answers(cordon).first?.details == "n1 is DRAINING already")
    let uncordon = cluster.send(.uncordon, for: "n1")
    #expect(cluster.answers(uncordon).map(\.code) == [.wrongState])
    #expect(cluster.states("n1") == [.draining])
  }
}
