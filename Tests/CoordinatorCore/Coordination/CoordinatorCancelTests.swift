import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Cancelling what the coordinator does")
struct CoordinatorCancelTests {
  /// The machines that workers were told to leave alone: "n1".
  private func cancelled(_ cluster: Coordination) -> [TaskID] {
    cluster.orders.compactMap { if case .cancel(let order) = $0.body { order } else { nil } }
  }

  @Test("an evacuation begins nothing more, takes back what is under way, and both who asked are answered")
  func evacuation() {
    var cluster = Coordination(["n1": ["a", "b", "c"], "n2": []], outgoing: 1)
    let task = cluster.evacuate("n1", id: "e")
    cluster.complete("a")
    let cancel = cluster.send(.cancel("e"), for: nil, id: "x")
    #expect(cancelled(cluster) == [cluster.order("b")?.task])
    #expect(cluster.answers(cancel) == [] && cluster.plans.last?.state == .cancelling)
    cluster.answer("b", failing: .cancelled, details: "it runs on here")
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n2"])
    #expect(cluster.answers(cancel).map(\.status) == [.success])
    #expect(cluster.answers(cancel).first?.details == "cancelled: 1 moved, 2 stayed")
    let answer = cluster.answers(task).first
    #expect(answer?.status == .partial && answer?.code == .cancelled)
    #expect(answer?.entries.map(\.code) == [nil, .cancelled, .cancelled])
    #expect(cluster.plans.last?.state == .cancelled && cluster.states("n1").last == .active)
  }

  @Test("by its plan's id, too; twice is once, and both are answered")
  func byPlan() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    let plan = cluster.plans[0].id
    let first = cluster.send(.cancel(TaskID(rawValue: plan.rawValue)), for: nil)
    let second = cluster.send(.cancel(TaskID(rawValue: plan.rawValue)), for: nil)
    #expect(cancelled(cluster).count == 1)
    cluster.answer("a", failing: .cancelled)
    #expect(cluster.answers(first).first?.status == .success && cluster.answers(second).first?.status == .success)
  }

  @Test("what could not be stopped any more has moved: drained, and too late")
  func tooLate() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1", id: "e")
    let cancel = cluster.send(.cancel("e"), for: nil)
    cluster.complete("a")
    #expect(cluster.answers(task).first?.status == .success)
    #expect(cluster.answers(cancel).first?.code == .tooLate)
  }

  @Test("a passing error after it is not tried again, and who arrives does not join")
  func noRetry() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1", id: "e")
    cluster.send(.cancel("e"), for: nil)
    cluster.vms["n1"]?.append(.sample("z"))
    cluster.report("n1")
    cluster.answer("a", failing: .hypervisor)
    cluster.pass(.seconds(120))
    #expect(cluster.sent == ["a:n1>n2"] && cluster.answers(task).count == 1)
  }

  @Test("an exchange: what has moved goes home")
  func exchange() {
    var cluster = Coordination(["n1": ["a"], "n2": ["b"]])
    let task = cluster.send(
      .migrate(VMMigration(vm: "a", destination: "n2", partner: SwapPartner(vm: "b"))), for: "n1", id: "s")
    cluster.complete("a")
    let cancel = cluster.send(.cancel("s"), for: nil)
    #expect(cancelled(cluster) == [cluster.order("b")?.task])
    cluster.answer("b", failing: .cancelled)
    #expect(cluster.sent.last == "a:n2>n1")
    cluster.complete("a")
    #expect(cluster.answers(task).first?.entries.first?.code == .cancelled)
    #expect(
      cluster.answers(task).first?.entries.first?.details
        == "not exchanged: cancelled on request; both are back where they were")
    #expect(cluster.answers(cancel).first?.details == "cancelled: both are back where they were")
  }

  @Test("an exchange by storage: what is saved goes home")
  func exchangeByStorage() {
    var cluster = Coordination([:])
    cluster.add("n1", memory: 4, [.sample("a", memory: 3)])
    cluster.add("n2", memory: 4, [.sample("b", memory: 2)])
    cluster.send(.migrate(VMMigration(vm: "a", destination: "n2", partner: SwapPartner(vm: "b"))), for: "n1", id: "s")
    let cancel = cluster.send(.cancel("s"), for: nil)
    // It was saved before the worker heard of it.
    cluster.answer("b")
    let stages = cluster.orders.compactMap { order -> OfflineStage? in
      if case .migrate(let wish) = order.body { wish.tuning.offlineStage } else { nil }
    }
    #expect(stages == [.save, .goHome])
    cluster.answer("b")
    #expect(cluster.answers(cancel).first?.status == .success)
  }

  @Test("what nobody knows, and what has ended")
  func others() {
    var cluster = Coordination(["n1": [], "n2": []])
    let unknown = cluster.send(.cancel("nothing"), for: nil)
    #expect(cluster.answers(unknown).first?.code == .notFound)
    cluster.evacuate("n1", id: "e")
    let ended = cluster.send(.cancel("e"), for: nil)
    #expect(cluster.answers(ended).first?.code == .tooLate)
  }
}
