import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Machines of one job whose hosts or coordinator are lost")
struct GangFailureTests {
  /// Hosts n1 with a and n2 with b of one job; both are emptied to n3.
  private func emptying() -> (Coordination, TaskID) {
    var cluster = Coordination(["n3": []])
    cluster.add("n1", [.sample("a", job: "j")])
    cluster.add("n2", [.sample("b", job: "j")])
    let task = cluster.evacuate("n1", .hooked { $0.hosts = ["n2"] })
    return (cluster, task)
  }

  @Test("the worker of one is lost while it is being closed: the other moves")
  func lostWhileClosing() {
    var (cluster, task) = emptying()
    cluster.answerJob("b")
    cluster.lose("n1")
    cluster.pass(.seconds(60))
    #expect(cluster.given.last == "b:n2>n3")
    cluster.complete("b")
    #expect(cluster.given.last == "release b:n2")
    cluster.answerJob("b")
    cluster.pass(.seconds(20))
    #expect(cluster.answers(task).first?.entries.map(\.code) == [.noWorker, nil])
  }

  @Test("the worker that holds a machine which has moved is lost: its processes are told to go on from its new host")
  func lostAfterMove() {
    var (cluster, task) = emptying()
    cluster.answerJobs("a", "b")
    cluster.complete("a")
    cluster.lose("n1")
    cluster.pass(.seconds(60))
    #expect(cluster.given.last == "release a:n3")
    if case .release(let release)? = cluster.orders.last?.body { #expect(release.processes == .announced) }
    cluster.complete("b")
    #expect(cluster.given.last == "release b:n2")
    cluster.answerJob("b")
    cluster.pass(.seconds(20))
    #expect(cluster.answers(task).count == 1)
  }

  @Test("the worker is lost before it has released: it opens by itself, and nobody waits for ever")
  func lostWhileOpening() {
    var (cluster, task) = emptying()
    cluster.answerJobs("a", "b")
    cluster.complete("a")
    cluster.complete("b")
    cluster.answerJob("b")
    cluster.lose("n1")
    cluster.pass(.seconds(61))
    #expect(cluster.given.last == "release a:n3")
    cluster.pass(.seconds(20))
    #expect(cluster.answers(task).count == 1)
  }

  @Test("a worker that begins a new life gets the open orders of its gang again")
  func newLife() {
    var (cluster, _) = emptying()
    cluster.answerJob("b")
    cluster.restart("n1")
    #expect(cluster.given.suffix(1) == ["hold a:n1"])
    #expect(Set(cluster.orders.compactMap(\.id)).count == 2)
  }

  @Test("two evacuations: what is held for one is not touched by the other, before all of the job goes on")
  func twoEvacuations() {
    var cluster = Coordination(["n2": [], "n3": []], outgoing: 1)
    cluster.add("n1", [.sample("a", job: "j"), .sample("b", job: "j")])
    cluster.evacuate("n1", .hooked { $0.destinations = ["n2"] })
    cluster.answerJobs("a", "b")
    cluster.complete("a")
    cluster.evacuate("n2", .hooked { $0.destinations = ["n3"] })
    #expect(!cluster.given.contains("a:n2>n3"))
    cluster.complete("b")
    cluster.answerJob("a")
    #expect(!cluster.given.contains { $0.contains("n2>n3") || $0.contains(":n2") })
    cluster.answerJob("b")
    #expect(cluster.given.contains("a:n2>n3") || cluster.given.contains("hold a:n2"))
  }

  /// The successor of a coordinator, with what that one has left.
  private func successor(of cluster: Coordination) throws -> (CoordinatorMachine, [CoordinatorEffect]) {
    let saved = cluster.effects.flatMap { if case .save(let saved) = $0 { saved } else { [SavedOperation]() } }
    var machine = CoordinatorMachine(CoordinatorMachine.Configuration(epoch: 8))
    let effects = machine.restore(try #require(saved.last), isAnswered: false, at: cluster.moment)
    return (machine, effects)
  }

  private func given(_ effects: [CoordinatorEffect]) -> [String] {
    effects.compactMap { effect in
      if case .send(let task, let host) = effect { Coordination.text(task, host) } else { nil }
    }
  }

  @Test("a coordinator that is restarted goes on in each phase")
  func restart() throws {
    var (cluster, _) = emptying()
    let renewal = CoordinatorEffect.setTimer(.renewHolds("p7-1", "j"), after: .seconds(1))
    var (_, effects) = try successor(of: cluster)
    #expect(given(effects) == ["hold a:n1", "hold b:n2"] && effects.contains(renewal))
    cluster.answerJob("a")
    (_, effects) = try successor(of: cluster)
    #expect(given(effects) == ["hold b:n2"])
    cluster.answerJob("b")
    (_, effects) = try successor(of: cluster)
    #expect(given(effects) == ["a:n1>n3", "b:n2>n3"] && effects.contains(renewal))
    cluster.complete("a")
    cluster.complete("b")
    (_, effects) = try successor(of: cluster)
    #expect(given(effects) == ["release a:n1", "release b:n2"] && effects.contains(renewal))
    var next: CoordinatorMachine
    (next, effects) = try successor(of: cluster)
    effects = next.handle(.timerFired(.renewHolds("p7-1", "j")), at: cluster.moment)
    #expect(given(effects) == [])
    cluster.answerJobs("a", "b")
    #expect(cluster.machine.evacuations.isEmpty)
  }

  @Test("a coordinator that is restarted renews what is held at once")
  func restartRenews() throws {
    var (cluster, _) = emptying()
    cluster.answerJobs("a", "b")
    var (next, _) = try successor(of: cluster)
    let effects = next.handle(.timerFired(.renewHolds("p7-1", "j")), at: cluster.moment)
    #expect(given(effects) == ["hold a:n1", "hold b:n2"])
  }
}
