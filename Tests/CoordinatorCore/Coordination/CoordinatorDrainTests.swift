import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Emptying hosts")
struct CoordinatorDrainTests {
  @Test("a host is emptied: planned, moved under its limits, seen empty, answered")
  func happyPath() throws {
    var cluster = Coordination(["n1": ["a", "b", "c"], "n2": [], "n3": []])
    let task = cluster.evacuate("n1", NodeEvacuation(mode: .scatter, migrationType: .warm))
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n3"] && cluster.answers(task).isEmpty)
    let order = try #require(cluster.orders.first)
    #expect(order.host == "n1" && order.measuresTime)
    #expect(order.body == .migrate(VMMigration(vm: "a", destination: "n2", type: .warm, retries: 0)))
    cluster.complete("b")
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n3", "c:n1>n2"])
    cluster.complete("a")
    #expect(cluster.answers(task).isEmpty && cluster.machine.evacuations.count == 1)
    cluster.complete("c")
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.status == .success && answer.details == "3 moved" && answer.plan == "p7-1")
    #expect(answer.entries.map(\.vm) == ["a", "b", "c"] && answer.entries.allSatisfy { $0.details == "0" })
    #expect(cluster.states("n1") == [.draining, .drained])
    #expect(cluster.plans.map(\.state) == [.drained] && cluster.machine.evacuations.isEmpty)
    #expect(cluster.effects.contains(.answer(answer, to: Coordination.route)))
  }

  @Test(
    "no more machines leave and enter a host at once than allowed",
    arguments: [
      (1, 9, ["n2"], 1), (2, 9, ["n2"], 2), (9, 1, ["n2"], 1), (9, 1, ["n2", "n3"], 2), (3, 2, ["n2", "n3"], 3),
      (9, 9, ["n2"], 6),
    ] as [(Int, Int, [HostName], Int)])
  func limits(outgoing: Int, incoming: Int, destinations: [HostName], atOnce: Int) {
    var cluster = Coordination(
      ["n1": ["a", "b", "c", "d", "e", "f"], "n2": [], "n3": []], outgoing: outgoing, incoming: incoming)
    let task = cluster.evacuate("n1", NodeEvacuation(destinations: destinations, mode: .scatter))
    #expect(cluster.sent.count == atOnce)
    for vm in ["a", "b", "c", "d", "e", "f"] as [VMName] { cluster.complete(vm) }
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("what enters a host for one evacuation counts for the other too")
  func sharedSlots() {
    var cluster = Coordination(["n1": ["a", "b"], "n2": ["c", "d"], "n3": []], outgoing: 2, incoming: 3)
    cluster.evacuate("n1", NodeEvacuation(destinations: ["n3"]))
    cluster.evacuate("n2", NodeEvacuation(destinations: ["n3"]))
    #expect(cluster.sent == ["a:n1>n3", "b:n1>n3", "c:n2>n3"])
    cluster.complete("a")
    #expect(cluster.sent.last == "d:n2>n3")
  }

  @Test("two evacuations that share a destination take turns")
  func fairness() {
    var cluster = Coordination(
      ["n1": ["a1", "a2", "a3", "a4"], "n2": ["b1", "b2", "b3", "b4"], "n3": []], outgoing: 4, incoming: 1)
    cluster.evacuate("n1", NodeEvacuation(destinations: ["n3"]))
    cluster.evacuate("n2", NodeEvacuation(destinations: ["n3"]))
    for _ in 0..<8 {
      guard let last = cluster.sent.last?.split(separator: ":").first else { break }
      cluster.complete(VMName(rawValue: String(last)))
    }
    #expect(
      cluster.sent.map { String($0.prefix(2)) } == ["a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4"])
  }

  @Test("a full destination does not hold up machines that go elsewhere")
  func noHeadOfLine() {
    var cluster = Coordination(["n1": ["a", "b", "c"], "n2": [], "n3": []], outgoing: 2, incoming: 1)
    cluster.evacuate("n1", NodeEvacuation(destinations: ["n2", "n3"], mode: .scatter))
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n3"])
  }

  @Test("a machine that arrives while its host is being emptied is moved too")
  func arrivals() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.vms["n1"]?.append(.sample("late"))
    cluster.report("n1")
    #expect(cluster.sent == ["a:n1>n2", "late:n1>n2"])
    cluster.complete("a")
    cluster.complete("late")
    #expect(cluster.answers(task).first?.entries.map(\.vm) == ["a", "late"])
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("a machine that arrives and finds no place makes the end partial")
  func homelessArrival() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1", NodeEvacuation(bestEffort: false))
    cluster.vms["n1"]?.append(.sample("late", memory: 99))
    cluster.report("n1")
    cluster.complete("a")
    #expect(cluster.answers(task).map(\.status) == [.partial])
    #expect(cluster.answers(task).first?.entries.map(\.code) == [nil, .capacity])
  }

  @Test("progress is published, at most four times a second")
  func progress() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    cluster.pass(.seconds(1))
    func published() -> Int { cluster.effects.count { if case .publishPlan = $0 { true } else { false } } }
    let before = published()
    for step in 1...100 {
      cluster.handle(
        .migrationProgressed(
          MigrationProgress(
            vm: "a", task: cluster.order("a")?.task, destination: "n2", phase: .copying, doneBytes: step)))
      cluster.pass(.milliseconds(10))
    }
    #expect((3...4).contains(published() - before))
    cluster.pass(.seconds(1))
    #expect(cluster.plans.first?.moves.first?.progress?.doneBytes == 100)
    let after = published()
    cluster.handle(
      .migrationProgressed(MigrationProgress(vm: "a", task: "other", destination: "n2", phase: .copying)))
    cluster.pass(.seconds(1))
    #expect(published() == after, "progress of nothing that runs")
  }

  @Test("the ids of tasks fit into the protocol, however long a machine's name is")
  func longNames() throws {
    let name = VMName(rawValue: String(repeating: "ä", count: 127))
    #expect(name.isValid)
    var cluster = Coordination(["n1": [name], "n2": []])
    cluster.evacuate("n1")
    let order = try #require(cluster.orders.first)
    #expect(try TaskMessage.decode(order.encoded()) == order)
  }
}
