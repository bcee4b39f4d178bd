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

  @Test("two evacuations do not get the same memory")
  func sameMemory() {
    var cluster = Coordination()
    cluster.add("n1", [.sample("a", memory: 10)])
    cluster.add("n2", [.sample("b", memory: 10)])
    cluster.add("n3", memory: 16)
    cluster.evacuate("n1", NodeEvacuation(destinations: ["n3"]))
    let second = cluster.evacuate("n2", NodeEvacuation(destinations: ["n3"]))
    #expect(cluster.sent == ["a:n1>n3"])
    #expect(
      cluster.answers(second).first?.entries.first?.details
        == "needs 10 GiB of memory; closest is n3 with 6 GiB free, 4 GiB missing")
    // Counted once when it is there, not twice.
    cluster.complete("a")
    let third = cluster.evacuate("n2", NodeEvacuation(destinations: ["n3"]))
    #expect(
      cluster.answers(third).first?.entries.first?.details
        == "needs 10 GiB of memory; closest is n3 with 6 GiB free, 4 GiB missing")
  }

  @Test("memory is promised from the plan until the destination reports the machine, and given back by a failure")
  func reservation() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    func reserved() -> Int? { cluster.machine.snapshot().hosts.last?.reservedMemoryKiB }
    cluster.evacuate("n1")
    #expect(reserved() == gib(1))
    cluster.answer("a")
    #expect(reserved() == gib(1))
    cluster.carry("a", "n1", to: "n2")
    cluster.report("n2")
    #expect(reserved() == 0)
    var other = Coordination(["n1": ["a", "b"], "n2": []])
    other.evacuate("n1")
    other.answer("a", failing: .exists)
    #expect(other.machine.snapshot().hosts.last?.reservedMemoryKiB == gib(1))
  }

  @Test("a machine that arrives by anybody's hand counts against the memory")
  func strangersArrival() {
    var cluster = Coordination(["n1": [], "n2": []])
    cluster.vms["n1"] = [.sample("a", memory: 10)]
    cluster.vms["n2"] = [.sample("stranger", memory: 10, state: .arriving)]
    cluster.report("n1", "n2")
    let task = cluster.evacuate("n1")
    #expect(
      cluster.answers(task).first?.entries.first?.details
        == "needs 10 GiB of memory; closest is n2 with 6 GiB free, 4 GiB missing")
  }

  @Test("our own arrival that the destination reports is not counted twice")
  func ownArrival() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    cluster.vms["n2"] = [.sample("a", state: .arriving)]
    cluster.report("n2")
    #expect(cluster.machine.snapshot().hosts.last?.reservedMemoryKiB == gib(1))
  }

  @Test("a host that is being emptied is no destination, named or not", arguments: [[], ["n2"]] as [[HostName]])
  func drainingIsNoTarget(destinations: [HostName]) {
    var cluster = Coordination(["n1": ["a"], "n2": ["b"], "n3": []])
    cluster.evacuate("n2")
    let task = cluster.evacuate("n1", NodeEvacuation(destinations: destinations))
    if destinations.isEmpty {
      #expect(cluster.sent == ["b:n2>n3", "a:n1>n3"])
    } else {
      #expect(
        cluster.answers(task).first?.entries.first?.details == "no destination: n2: it is being emptied itself")
    }
  }

  @Test(
    "a host that may not receive any more when a machine's turn comes is passed over",
    arguments: ["drained", "cordoned", "lost", "unreachable"])
  func checkedAtStart(fate: String) {
    var cluster = Coordination(["n1": ["a", "b"], "n2": [], "n3": []], outgoing: 1)
    cluster.evacuate("n1", NodeEvacuation(mode: .compact))
    #expect(cluster.sent == ["a:n1>n2"])
    switch fate {
    case "drained": cluster.evacuate("n2", NodeEvacuation(destinations: ["n3"]))
    case "cordoned": cluster.send(.cordon(reason: "fan"), for: "n2")
    case "lost": cluster.lose("n2")
    default: cluster.report("n2", isReachable: false)
    }
    cluster.answer("a")
    #expect(cluster.sent.contains("b:n1>n3") && !cluster.sent.contains("b:n1>n2"))
  }

  @Test("a cordoned host that was named is a destination at its turn too")
  func namedCordon() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.send(.cordon(reason: "fan"), for: "n2")
    cluster.evacuate("n1", NodeEvacuation(destinations: ["n2"]))
    #expect(cluster.sent == ["a:n1>n2"])
  }

  @Test("a destination that has lost its room when a machine's turn comes is passed over", arguments: [true, false])
  func roomAtStart(memory: Bool) {
    var cluster = Coordination(["n1": ["a", "b"], "n2": [], "n3": []], outgoing: 1)
    cluster.evacuate("n1", NodeEvacuation(mode: .compact))
    cluster.vms["n2"] = [memory ? .sample("new", memory: 15) : .sample("new", vcpus: 15)]
    cluster.complete("a")
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n3"])
  }

  @Test("overbooking that was asked for is allowed at a machine's turn too")
  func overbookedAtStart() {
    var cluster = Coordination()
    cluster.add("n1", [.sample("a", vcpus: 4)])
    cluster.add("n2", cpus: 2)
    cluster.evacuate("n1", NodeEvacuation(overbooking: true))
    #expect(cluster.sent == ["a:n1>n2"])
  }

  @Test("a machine sent elsewhere at its turn waits for a slot there")
  func redirectedWaits() {
    var cluster = Coordination(["n1": ["a", "b"], "n2": [], "n3": []], outgoing: 2, incoming: 1)
    cluster.evacuate("n1", NodeEvacuation(mode: .scatter))
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n3"])
    cluster.answer("a", failing: .hypervisor)
    cluster.lose("n2")
    cluster.pass(.seconds(1))
    #expect(cluster.sent.count == 2, "n3 has no slot")
    cluster.complete("b")
    #expect(cluster.sent.last == "a:n1>n3")
  }

  @Test("a destination that is away for a moment, and the only one, is waited for")
  func onlyDestinationAway() {
    var cluster = Coordination(["n1": ["a", "b"], "n2": []], outgoing: 1)
    let task = cluster.evacuate("n1")
    cluster.lose("n2")
    cluster.answer("a")
    #expect(cluster.sent == ["a:n1>n2"])
    cluster.pass(.milliseconds(500))
    cluster.carry("a", "n1", to: "n2")
    cluster.report("n2", "n1")
    cluster.pass(.milliseconds(500))
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n2"])
    cluster.complete("b")
    #expect(cluster.answers(task).map(\.status) == [.success])
    #expect(cluster.answers(task).first?.entries.map(\.details) == ["0", "1"])
  }

  @Test("a destination that stays away costs the attempts, and the cause says so")
  func onlyDestinationGone() {
    var cluster = Coordination(["n1": ["a", "b"], "n2": []], outgoing: 1)
    let task = cluster.evacuate("n1")
    cluster.lose("n2")
    cluster.answer("a")
    cluster.pass(.seconds(60))
    #expect(cluster.sent == ["a:n1>n2"])
    let entry = cluster.answers(task).first?.entries.last
    #expect(entry?.code == .destination)
    #expect(
      entry?.details
        == "n2 cannot receive now: its worker is offline; no destination: n2: failed before")
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

  // MARK: Failures

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

  // MARK: What is shown

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
