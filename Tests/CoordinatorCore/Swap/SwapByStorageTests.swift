import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("The exchange of two machines that do not fit beside each other")
struct SwapByStorageTests {
  /// a of 3 GiB on n1 and b of 2 GiB on n2, hosts of 4 GiB, to be exchanged.
  private func exchange(retries: Int = 0) -> (Coordination, TaskID) {
    var cluster = Coordination([:])
    cluster.add("n1", memory: 4, [.sample("a", memory: 3)])
    cluster.add("n2", memory: 4, [.sample("b", memory: 2)])
    let wish = VMMigration(
      vm: "a", destination: "n2", retries: retries, tuning: .init(),
      partner: SwapPartner(vm: "b", hookProcesses: .count(2), vcpuMap: [[1]]))
    let task = cluster.send(.migrate(wish), for: "n1", id: "s")
    return (cluster, task)
  }

  /// The stages that were ordered so far: "b:save a b:restore".
  private func stages(_ cluster: Coordination) -> String {
    cluster.orders.compactMap { order in
      guard case .migrate(let wish) = order.body else { return nil }
      let stage = wish.tuning.offlineStage.map { ":\($0.rawValue)" } ?? ""
      return "\(wish.vm)\(stage)"
    }.joined(separator: " ")
  }

  @Test("the smaller is saved, the larger moves, the smaller is restored")
  func whole() {
    var (cluster, task) = exchange()
    #expect(stages(cluster) == "b:save")
    cluster.answer("b")
    #expect(stages(cluster) == "b:save a")
    cluster.complete("a")
    #expect(stages(cluster) == "b:save a b:restore" && cluster.answers(task) == [])
    cluster.answer("b")
    #expect(cluster.answers(task).first?.entries == [VMOutcome(vm: "a", details: "0")])
  }

  @Test("every stage of the smaller one has its job and its pins")
  func options() {
    var (cluster, _) = exchange()
    cluster.answer("b")
    cluster.complete("a")
    let wishes = cluster.orders.compactMap { order -> VMMigration? in
      if case .migrate(let wish) = order.body, wish.vm == "b" { wish } else { nil }
    }
    #expect(wishes.count == 2 && wishes.allSatisfy { $0.type == .offline && $0.tuning.hookProcesses == .count(2) })
    #expect(wishes.allSatisfy { $0.tuning.vcpuMap == [[1]] })
  }

  @Test("it cannot be saved: both stayed")
  func notSaved() {
    var (cluster, task) = exchange()
    cluster.answer("b", failing: .unsupported, details: "no shared directory")
    #expect(
      cluster.answers(task).first?.entries.first?.details
        == "not exchanged: no shared directory; both stayed where they were")
  }

  @Test("the larger cannot move: the smaller goes home")
  func notCarried() {
    var (cluster, task) = exchange()
    cluster.answer("b")
    cluster.answer("a", failing: .refused, details: "pins")
    #expect(stages(cluster) == "b:save a b:go-home")
    cluster.answer("b")
    #expect(cluster.answers(task).first?.entries.first?.code == .refused)
    #expect(
      cluster.answers(task).first?.entries.first?.details == "not exchanged: pins; both are back where they were")
  }

  @Test("the clocks differ by minutes: the saved machine's way home is not too late")
  func clocksDiffer() {
    var (cluster, _) = exchange()
    cluster.answer("b")
    cluster.answer("a", failing: .expired, details: "expired 8 min ago, not executed")
    #expect(stages(cluster) == "b:save a b:go-home")
    #expect(cluster.orders.map { $0.notAfter != nil } == [true, true, false])
  }

  @Test("the smaller cannot be restored there: the larger goes back, and the smaller goes home")
  func notRestored() {
    var (cluster, task) = exchange()
    cluster.answer("b")
    cluster.complete("a")
    cluster.answer("b", failing: .hypervisor, details: "no bridge")
    #expect(stages(cluster) == "b:save a b:restore a" && cluster.sent.last == "a:n2>n1")
    cluster.complete("a")
    #expect(stages(cluster).hasSuffix("a b:go-home"))
    cluster.answer("b")
    #expect(
      cluster.answers(task).first?.entries.first?.details == "not exchanged: no bridge; both are back where they were")
  }

  @Test("no way home for the larger one: the answer tells where each is, and the way out")
  func stranded() {
    var (cluster, task) = exchange()
    cluster.answer("b")
    cluster.complete("a")
    cluster.answer("b", failing: .hypervisor, details: "no bridge")
    for _ in 0..<6 {
      cluster.answer("a", failing: .hypervisor)
      cluster.pass(.seconds(60))
    }
    let details = cluster.answers(task).first?.entries.first?.details ?? ""
    #expect(details.contains("a is on n2 and could not go home, b is saved on n2"), "\(details)")
    #expect(details.contains("'offline-stage: restore'"))
  }

  @Test("the larger one's way back is in doubt: the smaller one is told as saved")
  func doubtOnTheWayBack() {
    var (cluster, task) = exchange()
    cluster.answer("b")
    cluster.complete("a")
    cluster.answer("b", failing: .hypervisor, details: "no bridge")
    cluster.answer("a", failing: .inDoubt, details: "silence")
    let details = cluster.answers(task).first?.entries.first?.details ?? ""
    #expect(details.contains("b is saved on n2") && details.contains("'offline-stage: go-home'"), "\(details)")
    #expect(details.hasSuffix("a may be on either host") && !details.contains("a is on"), "\(details)")
  }

  @Test("the smaller one's way home is in doubt: the larger one is where it went back to")
  func doubtAtHome() {
    var (cluster, task) = exchange()
    cluster.answer("b")
    cluster.complete("a")
    cluster.answer("b", failing: .hypervisor, details: "no bridge")
    cluster.complete("a")
    cluster.answer("b", failing: .inDoubt, details: "silence")
    let details = cluster.answers(task).first?.entries.first?.details ?? ""
    #expect(details.hasSuffix("no bridge; a is on n1, b may be on either host"), "\(details)")
  }

  @Test("no way home for the smaller one: it is said how it is started")
  func saved() {
    var (cluster, task) = exchange()
    cluster.answer("b")
    cluster.answer("a", failing: .exists)
    for _ in 0..<6 {
      cluster.answer("b", failing: .hypervisor, details: "disk")
      cluster.pass(.seconds(60))
    }
    let details = cluster.answers(task).first?.entries.first?.details ?? ""
    #expect(details.contains("a is on n1, b is saved there") || details.contains("b is saved"), "\(details)")
    #expect(details.contains("'offline-stage: go-home' starts it"))
  }

  @Test("its room is kept on both hosts while it is saved")
  func reservation() {
    var (cluster, _) = exchange()
    cluster.answer("b")
    cluster.vms["n2"] = [.sample("b", memory: 2, state: .shutOff)]
    cluster.report("n2")
    let hosts = cluster.machine.snapshot().hosts
    #expect(hosts.map(\.usedMemoryKiB) == [gib(5), gib(5)])
  }
}
