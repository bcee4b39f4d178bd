import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Races of machines that come and go")
struct ArrivalRaceTests {
  @Test("a machine that is on its way to a host when that host is emptied")
  func arrivingAtDrained() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.evacuate("n1", NodeEvacuation(destinations: ["n2"]))
    let second = cluster.evacuate("n2")
    cluster.pass(.seconds(100))
    #expect(cluster.answers(second).isEmpty, "n2 is empty now, and will not be soon")
    cluster.carry("a", "n1", to: "n2")
    cluster.report("n1")
    cluster.answer("a")
    #expect(cluster.answers(second).isEmpty, "n2 has not reported it yet")
    cluster.report("n2")
    #expect(cluster.sent == ["a:n1>n2", "a:n2>n3"])
    cluster.complete("a")
    #expect(cluster.answers(second).map(\.status) == [.success])
    #expect(cluster.answers(second).first?.entries.map(\.vm) == ["a"])
  }

  @Test("a machine that has left for a host when that host is emptied, and fails to arrive")
  func notArrivingAtDrained() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.evacuate("n1", NodeEvacuation(destinations: ["n2"]))
    let second = cluster.evacuate("n2")
    cluster.answer("a", failing: .exists)
    #expect(cluster.answers(second).map(\.status) == [.success])
  }

  @Test("a machine that is seen on a host that is being emptied before its first migration is answered")
  func twoMigrations() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    let first = cluster.evacuate("n1", NodeEvacuation(destinations: ["n2"]))
    let second = cluster.evacuate("n2")
    cluster.carry("a", "n1", to: "n2")
    cluster.report("n1", "n2")
    #expect(cluster.sent == ["a:n1>n2"], "it is not moved by two")
    let result = TaskResult(title: .vmMigrated, id: cluster.order("a")?.task, entries: [VMOutcome(vm: "a")])
    cluster.handle(.workerAnswered(result, from: "n1"))
    #expect(cluster.sent == ["a:n1>n2", "a:n2>n3"])
    cluster.complete("a")
    #expect(cluster.answers(first).map(\.status) == [.success])
    #expect(cluster.answers(second).map(\.status) == [.success])
  }

  @Test("another machine that takes the name of one that waits")
  func nameTakenWhileWaiting() {
    var cluster = Coordination(["n1": ["a", "b"], "n2": []], outgoing: 1)
    let task = cluster.evacuate("n1")
    cluster.vms["n1"] = [.sample("a"), .sample("b", memory: 2, uuid: "another")]
    cluster.report("n1")
    cluster.complete("a")
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n2"])
    cluster.complete("b")
    let answer = cluster.answers(task).first
    #expect(answer?.status == .success)
    #expect(answer?.entries.map(\.code) == [nil, .notFound, nil])
  }

  @Test("another machine that takes the name of one that is moving, or has moved: its task is a new one")
  func nameTakenWhileMoving() {
    var cluster = Coordination(["n1": ["a"], "n2": []], outgoing: 2)
    let task = cluster.evacuate("n1")
    let first = cluster.order("a")?.task
    cluster.carry("a", "n1", to: "n2")
    cluster.vms["n1"] = [.sample("a", uuid: "another")]
    cluster.report("n2", "n1")
    #expect(cluster.sent.count == 1, "the name is in use")
    cluster.answer("a")
    #expect(cluster.sent == ["a:n1>n2", "a:n1>n2"] && cluster.order("a")?.task != first)
    cluster.complete("a")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("another machine that takes the name of one that pauses")
  func nameTakenWhileRetrying() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    cluster.answer("a", failing: .hypervisor)
    cluster.vms["n1"] = [.sample("a", uuid: "another")]
    cluster.report("n1")
    #expect(cluster.sent.count == 2)
    cluster.pass(.seconds(30))
    #expect(cluster.sent.count == 2, "the first one's timer starts nothing")
  }

  @Test("a host that is emptied again at once")
  func drainedAgain() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    cluster.answer("a", failing: .exists)
    let second = cluster.evacuate("n1")
    #expect(cluster.order("a")?.task == "p7-2/a/0")
    cluster.complete("a")
    #expect(cluster.answers(second).map(\.status) == [.success])
  }

  @Test("timers of an evacuation that has ended")
  func staleTimers() {
    var cluster = Coordination(["n1": ["a", "b"], "n2": []])
    cluster.evacuate("n1")
    cluster.answer("a", failing: .hypervisor)
    cluster.lose("n1")
    cluster.pass(.seconds(60))
    let count = cluster.effects.count
    for timer in [
      .retry("p7-1", "a", generation: 1), .workerLost("n1", epoch: 1), .settle("p7-1"), .publish("p7-1"),
    ] as [CoordinatorTimer] { cluster.handle(.timerFired(timer)) }
    #expect(cluster.effects.count == count)
  }
}
