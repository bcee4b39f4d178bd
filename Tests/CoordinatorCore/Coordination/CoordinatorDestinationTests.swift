import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Where machines may go while hosts are emptied")
struct CoordinatorDestinationTests {
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

  @Test("a CPU ratio holds at a machine's turn too, whatever has come to the host meanwhile", arguments: [2.0, 2.5])
  func ratioAtStart(ratio: Double) {
    var cluster = Coordination([:], outgoing: 1)
    cluster.add("n1", [.sample("a", vcpus: 2), .sample("b", vcpus: 2)])
    cluster.add("n2", cpus: 2)
    cluster.evacuate("n1", NodeEvacuation(overbooking: true, cpuRatio: ratio))
    cluster.vms["n2"] = [.sample("new", vcpus: 1)]
    cluster.complete("a")
    #expect(cluster.sent == (ratio == 2 ? ["a:n1>n2"] : ["a:n1>n2", "b:n1>n2"]))
  }

  @Test("a CPU ratio without overbooking is refused")
  func ratioAlone() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1", NodeEvacuation(cpuRatio: 2))
    #expect(cluster.answers(task).map(\.code) == [.invalidMessage])
    #expect(cluster.sent.isEmpty && cluster.states("n1").isEmpty)
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
}
