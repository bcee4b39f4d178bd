import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Several hosts emptied by one plan")
struct SeveralHostsTests {
  private static func evacuation(_ others: HostName...) -> NodeEvacuation {
    NodeEvacuation(hosts: others, mode: .scatter)
  }

  @Test("none of them receives, all are seen empty, one answer")
  func together() throws {
    var cluster = Coordination(["n1": ["a"], "n2": ["b"], "n3": [], "n4": []])
    let task = cluster.evacuate("n1", Self.evacuation("n2"))
    #expect(cluster.sent == ["a:n1>n3", "b:n2>n4"])
    #expect(cluster.states("n1") == [.draining] && cluster.states("n2") == [.draining])
    cluster.complete("a")
    #expect(cluster.answers(task).isEmpty && cluster.states("n1") == [.draining])
    cluster.complete("b")
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.status == .success && answer.details == "2 moved" && cluster.answers(task).count == 1)
    #expect(cluster.states("n1") == [.draining, .drained] && cluster.states("n2") == [.draining, .drained])
    #expect(cluster.plans.map(\.request?.sources) == [["n1", "n2"]])
  }

  @Test("the one that is not emptied is PARTIAL, the other DRAINED")
  func oneStays() throws {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.vms["n2"] = [.sample("large", memory: 99)]
    cluster.report("n2")
    let task = cluster.evacuate("n1", Self.evacuation("n2"))
    cluster.complete("a")
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.status == .partial && answer.details == "1 moved, 1 stayed")
    #expect(cluster.states("n1").last == .drained && cluster.states("n2").last == .partial)
  }

  @Test("machines of one name on two hosts are two machines")
  func namesakes() {
    var cluster = Coordination(["n1": [], "n2": [], "n3": []])
    cluster.vms["n1"] = [.sample("a", uuid: "1")]
    cluster.vms["n2"] = [.sample("a", uuid: "2")]
    cluster.report("n1", "n2")
    let task = cluster.evacuate("n1", Self.evacuation("n2"))
    #expect(cluster.sent == ["a:n1>n3", "a:n2>n3"])
    #expect(Set(cluster.orders.compactMap(\.id)).count == 2)
    for order in cluster.orders {
      let source = order.host ?? ""
      cluster.carry("a", source, to: "n3")
      cluster.report("n3", source)
      cluster.handle(
        .workerAnswered(
          TaskResult(title: .vmMigrated, id: order.id, entries: [VMOutcome(vm: "a", details: "0")]), from: source))
    }
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("a machine that runs on two of them is moved once, and the copy is named")
  func copies() throws {
    var cluster = Coordination(["n1": ["a"], "n2": ["a"], "n3": []])
    let task = cluster.evacuate("n1", Self.evacuation("n2"))
    #expect(cluster.sent == ["a:n1>n3"])
    cluster.complete("a")
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.entries.last?.details == "another copy of it runs on n1")
    #expect(cluster.states("n2").last == .partial)
  }

  @Test("a worker that is lost takes only its own host's machines with it")
  func lostWorker() throws {
    var cluster = Coordination(["n1": ["a"], "n2": ["b"], "n3": []])
    let task = cluster.evacuate("n1", Self.evacuation("n2"))
    cluster.lose("n2")
    cluster.complete("a")
    cluster.pass(.seconds(75))
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.status == .partial && answer.entries.map(\.code) == [nil, .noWorker])
    #expect(cluster.states("n1").last == .drained && cluster.states("n2").last == .partial)
  }

  @Test("refused as a whole if one of them is unknown, offline or being emptied already")
  func refused() {
    var cluster = Coordination(["n1": ["a"], "n2": ["b"], "n3": []])
    let unknown = cluster.evacuate("n1", Self.evacuation("n9"))
    #expect(cluster.answers(unknown).first?.details?.hasPrefix("unknown host 'n9'") == true)
    cluster.evacuate("n2")
    let busy = cluster.evacuate("n1", Self.evacuation("n2"))
    #expect(cluster.answers(busy).first?.code == .wrongState)
    cluster.lose("n3")
    let offline = cluster.evacuate("n1", Self.evacuation("n3"))
    #expect(cluster.answers(offline).first?.code == .noWorker)
    #expect(cluster.states("n1").isEmpty)
  }
}
