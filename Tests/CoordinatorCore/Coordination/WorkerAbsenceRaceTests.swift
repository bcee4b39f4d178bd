import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Races of workers that go and come")
struct WorkerAbsenceRaceTests {
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

  @Test("a worker that stays away while it saves a machine: the answer says where the machine may be")
  func stayedAwayWhileSaving() {
    var cluster = Coordination(["n1": ["a", "b", "c"], "n2": []])
    var wish = NodeEvacuation()
    wish.migrationType = .offline
    let task = cluster.send(.evacuate(wish), for: "n1", id: "e")
    cluster.lose("n1")
    cluster.pass(.seconds(60))
    let saved = cluster.answers(task).first?.entries.map { entry in
      entry.details?.contains("\(entry.vm) may be kept in its image") == true
    }
    #expect(saved == [true, true, false], "the third had not begun")
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
}
