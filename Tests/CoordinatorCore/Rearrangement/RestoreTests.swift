import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Hosts that are in service again")
struct RestoreTests {
  private static func restore() -> TaskMessage.Body { .restore(NodeRestore(way: VMTravel(retries: 0))) }

  /// n1 with a and b was emptied to n2 and n3.
  private static func emptied() -> Coordination {
    var cluster = Coordination([:])
    cluster.add("n1", memory: 4, [.sample("a", memory: 2), .sample("b", memory: 2)])
    cluster.add("n2", memory: 8)
    cluster.add("n3", memory: 8)
    cluster.evacuate("n1", NodeEvacuation(mode: .scatter))
    cluster.complete("a")
    cluster.complete("b")
    return cluster
  }

  @Test("what an evacuation took comes back, and the host takes arrivals again")
  func comesBack() throws {
    var cluster = Self.emptied()
    #expect(cluster.states("n1").last == .drained)
    let task = cluster.send(Self.restore(), for: "n1")
    #expect(cluster.states("n1").last == .restoring)
    cluster.complete("a")
    cluster.complete("b")
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.title == .nodeRestored && answer.status == .success && answer.details == "2 moved")
    #expect(cluster.states("n1").last == .active)
    #expect(cluster.vms["n1"]?.map(\.name).sorted() == ["a", "b"])
    let again = cluster.send(Self.restore(), for: "n1")
    #expect(cluster.answers(again).first?.details == "there was nothing to move")
  }

  @Test("into a full host: what came in meanwhile is exchanged")
  func strangers() throws {
    var cluster = Self.emptied()
    cluster.vms["n1"] = [.sample("s", memory: 3)]
    cluster.report("n1")
    let task = cluster.send(Self.restore(), for: "n1")
    #expect(cluster.machine.rearrangements.first?.concerns("uuid-s") == true)
    for _ in 0..<3 {
      for vm in ["s", "a", "b"] as [VMName] where cluster.order(vm) != nil { cluster.complete(vm) }
    }
    #expect(cluster.answers(task).map(\.status) == [.success])
    #expect(cluster.vms["n1"]?.map(\.name).sorted() == ["a", "b"])
  }

  @Test("a stranger that fits beside them stays")
  func roomForAll() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    cluster.complete("a")
    cluster.vms["n1"] = [.sample("s")]
    cluster.report("n1")
    cluster.send(Self.restore(), for: "n1")
    #expect(cluster.sent == ["a:n1>n2", "a:n2>n1"])
  }

  @Test("what has no room even so stays where it is, with the reason")
  func noRoom() throws {
    var cluster = Self.emptied()
    cluster.vms["n1"] = [.sample("s", memory: 3)]
    cluster.vms["n2"]?.append(.sample("x", memory: 6))
    cluster.vms["n3"]?.append(.sample("y", memory: 6))
    cluster.report("n1", "n2", "n3")
    // Neither n2 nor n3 has room for s when a or b has left: 8 - 6 = 2 GiB.
    let task = cluster.send(Self.restore(), for: "n1")
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.entries.count == 2 && answer.entries.allSatisfy { $0.code == .capacity })
    #expect(cluster.sent.count == 2)
  }

  @Test("the first origin wins: a machine that was moved on by another evacuation comes back to where it began")
  func firstOrigin() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.evacuate("n1", NodeEvacuation(destinations: ["n2"]))
    cluster.complete("a")
    cluster.evacuate("n2", NodeEvacuation(destinations: ["n3"]))
    cluster.complete("a")
    cluster.send(Self.restore(), for: "n1")
    #expect(cluster.sent.last == "a:n3>n1")
  }

  @Test("origins outlive the coordinator; those of a host that is emptied anew from service are forgotten")
  func origins() {
    var cluster = Self.emptied()
    #expect(cluster.effects.contains(.keepOrigins(["uuid-a"], "n1")))
    cluster.send(.uncordon, for: "n1")
    cluster.evacuate("n1")
    #expect(cluster.effects.contains(.forgetOrigins(["uuid-a", "uuid-b"])))
    var other = Coordination(["n1": [], "n2": ["a"]])
    other.handle(.originsRecalled(["uuid-a": "n1"]))
    other.send(Self.restore(), for: "n1")
    #expect(other.sent == ["a:n2>n1"])
  }

  @Test("cancelled, the host is as it was before")
  func cancelled() {
    var cluster = Self.emptied()
    let task = cluster.send(Self.restore(), for: "n1")
    cluster.send(.cancel(task), for: nil)
    cluster.answer("a", failing: .cancelled)
    cluster.answer("b", failing: .cancelled)
    #expect(cluster.answers(task).map(\.code) == [.cancelled])
    #expect(cluster.states("n1").last == .drained)
  }
}
