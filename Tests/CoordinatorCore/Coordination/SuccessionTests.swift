import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("A coordinator that another has replaced")
struct SuccessionTests {
  private func refusal(_ order: TaskID, newest: Epoch) -> TaskResult {
    var result = TaskResult(
      title: .vmMigrated, id: order, entries: [VMOutcome(vm: "a", failure: .superseded, details: "replaced")])
    result.epoch = newest
    return result
  }

  /// The successor of a coordinator, with what that one has left, and what it does at first.
  private func successor(of cluster: Coordination, epoch: Epoch) throws -> (CoordinatorMachine, [CoordinatorEffect]) {
    let saved = cluster.effects.flatMap { if case .save(let saved) = $0 { saved } else { [SavedOperation]() } }
    var machine = CoordinatorMachine(CoordinatorMachine.Configuration(epoch: epoch))
    let effects = machine.restore(try #require(saved.last), isAnswered: false, at: cluster.moment)
    return (machine, effects)
  }

  private func orders(_ effects: [CoordinatorEffect]) -> [TaskMessage] {
    effects.compactMap { if case .send(let order, _) = $0 { order } else { nil } }
  }

  @Test("every order and every cancel says who gives it")
  func signed() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.send(.cancel(task), for: nil)
    #expect(cluster.orders.map(\.epoch) == [7, 7])
  }

  @Test("the successor gives the open orders, and takes them back, in its own name: the same orders otherwise")
  func continued() throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.send(.cancel(task), for: nil)
    let (_, effects) = try successor(of: cluster, epoch: 8)
    let given = orders(effects)
    #expect(given.map(\.epoch) == [8, 8])
    #expect(given.map(\.fingerprint) == cluster.orders.map(\.fingerprint) && given.count == 2)
  }

  @Test("an exchange that is being cancelled is taken back by the successor, too")
  func continuedExchange() throws {
    var cluster = Coordination(["n1": ["a"], "n2": ["b"]])
    let wish = VMMigration(vm: "a", destination: "n2", retries: 0, partner: SwapPartner(vm: "b"))
    let task = cluster.send(.migrate(wish), for: "n1")
    cluster.send(.cancel(task), for: nil)
    let (_, effects) = try successor(of: cluster, epoch: 8)
    #expect(orders(effects).map(\.fingerprint) == cluster.orders.map(\.fingerprint) && cluster.orders.count == 4)
  }

  @Test("a rearrangement that is being cancelled is taken back by the successor, too")
  func continuedRearrangement() throws {
    var cluster = Coordination(["n1": ["a"], "n2": ["b"]])
    let task = cluster.send(.migrate(VMMigration(vm: "a", destination: "n2", retries: 0)), for: nil)
    cluster.send(.cancel(task), for: nil)
    let (_, effects) = try successor(of: cluster, epoch: 8)
    #expect(orders(effects).map(\.fingerprint) == cluster.orders.map(\.fingerprint) && cluster.orders.count == 2)
  }

  @Test("what a deadline takes back is taken back by the successor, too", arguments: Deadline.Policy.allCases)
  func continuedDeadline(_ policy: Deadline.Policy) throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1", NodeEvacuation(deadline: Deadline(seconds: 60, policy: policy)))
    cluster.pass(.seconds(60))
    let (_, effects) = try successor(of: cluster, epoch: 8)
    #expect(orders(effects).map(\.fingerprint) == cluster.orders.map(\.fingerprint) && cluster.orders.count == 2)
  }

  @Test("what has begun anew after a deadline is not taken back by the successor")
  func continuedWarm() throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1", NodeEvacuation(deadline: Deadline(seconds: 60, policy: .warm)))
    cluster.pass(.seconds(60))
    cluster.answer("a", failing: .cancelled)
    let (_, effects) = try successor(of: cluster, epoch: 8)
    #expect(orders(effects).map(\.fingerprint) == cluster.orders.suffix(1).map(\.fingerprint))
  }

  @Test("its predecessor's order was refused: the successor's own is still open")
  func predecessorsRefusal() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    guard let order = cluster.order("a")?.task else { return }
    cluster.handle(.workerAnswered(refusal(order, newest: 7), from: "n1"))
    #expect(cluster.answers(task).isEmpty)
    cluster.complete("a")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("its own order was refused: it tries nothing again, and its answer says why")
  func replaced() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    let task = cluster.evacuate("n1")
    guard let order = cluster.order("a")?.task else { return }
    cluster.handle(.workerAnswered(refusal(order, newest: 8), from: "n1"))
    cluster.pass(.seconds(300))
    #expect(cluster.sent.count == 1)
    #expect(cluster.answers(task).first?.entries.map(\.code) == [.superseded])
  }
}
