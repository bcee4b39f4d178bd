import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

/// One test for each race, named for it.
@Suite("Races of the coordinator")
struct CoordinatorRaceTests {
  // MARK: Answers

  @Test("an answer that comes twice")
  func answerTwice() {
    var cluster = Coordination(["n1": ["a", "b"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.complete("a")
    cluster.answer("a")
    cluster.answer("a", failing: .hypervisor)
    cluster.complete("b")
    cluster.answer("b")
    #expect(cluster.sent.count == 2 && cluster.answers(task).map(\.status) == [.success])
  }

  @Test("an answer to the first attempt that comes during the second")
  func answerToEarlierAttempt() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    let first = cluster.order("a")?.task
    cluster.answer("a", failing: .hypervisor)
    cluster.pass(.seconds(1))
    cluster.handle(
      .workerAnswered(TaskResult(title: .vmMigrated, id: first, entries: [VMOutcome(vm: "a")]), from: "n1"))
    #expect(cluster.machine.evacuations.first?.migrations.first?.task != nil)
    cluster.complete("a")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("an answer that comes from another host than the one that was asked")
  func answerFromElsewhere() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    let result = TaskResult(title: .vmMigrated, id: cluster.order("a")?.task, entries: [VMOutcome(vm: "a")])
    cluster.handle(.workerAnswered(result, from: "n2"))
    #expect(cluster.machine.evacuations.first?.migrations.first?.task != nil)
  }

  @Test("an answer after the evacuation's end")
  func answerAfterEnd() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.lose("n1")
    cluster.pass(.seconds(60))
    #expect(cluster.answers(task).map(\.status) == [.error])
    cluster.answer("a")
    #expect(cluster.answers(task).count == 1 && cluster.states("n1") == [.draining, .partial])
  }

  @Test("answers before reports")
  func answersBeforeReports() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.answer("a")
    #expect(cluster.answers(task).isEmpty)
    cluster.carry("a", "n1", to: "n2")
    cluster.report("n1")
    #expect(cluster.answers(task).isEmpty)
    cluster.report("n2")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("answers, and no reports: a ghost is named after 10 s")
  func ghost() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.answer("a")
    cluster.pass(.milliseconds(9999))
    #expect(cluster.answers(task).isEmpty)
    cluster.pass(.milliseconds(1))
    #expect(cluster.answers(task).map(\.details) == ["1 moved, 0 stayed; n1 still reports a"])
    #expect(cluster.states("n1") == [.draining, .partial])
  }

  // MARK: Workers that go and come

  @Test("a worker that is back before patience ends")
  func backInTime() {
    var cluster = Coordination(["n1": ["a", "b", "c"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.lose("n1")
    cluster.answer("a")
    #expect(cluster.sent.count == 2, "nothing is sent to a worker that is away")
    cluster.pass(.seconds(59))
    cluster.report("n1")
    #expect(cluster.sent.count == 3)
    cluster.pass(.seconds(300))
    #expect(cluster.answers(task).isEmpty)
    for vm in ["a", "b", "c"] as [VMName] { cluster.complete(vm) }
    cluster.pass(.seconds(10))
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("a worker that stays away")
  func stayedAway() {
    var cluster = Coordination(["n1": ["a", "b", "c"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.lose("n1")
    cluster.pass(.seconds(60))
    #expect(cluster.answers(task).map(\.status) == [.error])
    #expect(
      cluster.answers(task).first?.entries.map(\.details)
        == Array(
          repeating:
            "the worker of n1 has been offline for 1 min 0 s; whether the machine moved is not known", count: 3))
    #expect(cluster.states("n1") == [.draining, .partial])
  }

  @Test("a worker that comes back after its orders were given up: they are void by then")
  func voidOrders() throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    let notAfter = try #require(cluster.orders.first?.notAfter)
    cluster.lose("n1")
    cluster.pass(.seconds(60))
    #expect(cluster.machine.evacuations.isEmpty)
    #expect(notAfter <= cluster.moment.unixTime)
  }

  @Test("an order that came too late is given anew")
  func lateOrder() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    cluster.pass(.seconds(100))
    cluster.answer("a", failing: .expired)
    cluster.pass(.seconds(1))
    #expect(cluster.sent.count == 2)
    #expect(cluster.orders.map(\.notAfter) == [1_000_060, 1_000_161])
  }

  @Test("a worker that is away twice: the first absence's timer does not end the second")
  func absentTwice() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.lose("n1")
    cluster.pass(.seconds(50))
    cluster.report("n1")
    cluster.lose("n1")
    cluster.pass(.seconds(59))
    #expect(cluster.answers(task).isEmpty)
    cluster.pass(.seconds(1))
    #expect(cluster.answers(task).count == 1)
  }

  @Test("a worker that dies once more before it was seen online")
  func diedUnseen() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.lose("n1")
    cluster.pass(.seconds(50))
    cluster.handle(.hostReported(HostReport(host: "n1", presence: .offline, epoch: 2)))
    cluster.pass(.seconds(10))
    #expect(cluster.answers(task).count == 1)
  }

  @Test("a worker that lost its journal is given its tasks again")
  func lostJournal() {
    var cluster = Coordination(["n1": ["a", "b", "c"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.complete("a")
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n2", "c:n1>n2"])
    let before = cluster.orders
    cluster.restart("n1")
    #expect(cluster.orders == before + before[1...], "the same tasks, with their ids")
    cluster.report("n1")
    #expect(cluster.sent.count == 5)
    cluster.complete("b")
    cluster.complete("c")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("a worker that is away for a moment just at the end")
  func awayAtTheEnd() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.carry("a", "n1", to: "n2")
    cluster.report("n1", "n2")
    cluster.lose("n1")
    cluster.answer("a")
    #expect(cluster.answers(task).isEmpty)
    cluster.restart("n1")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  // MARK: Machines that come and go

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
