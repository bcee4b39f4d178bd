import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Evacuations that are paused, late, or were planned before")
struct EvacuationCourseTests {
  @Test("paused, nothing more begins; resumed, it goes on")
  func paused() {
    var cluster = Coordination(["n1": ["a", "b"], "n2": []], outgoing: 1)
    let task = cluster.evacuate("n1")
    cluster.send(.pauseOperation("p7-1"), for: nil)
    cluster.complete("a")
    #expect(cluster.sent == ["a:n1>n2"] && cluster.plans[0].state == .paused)
    #expect(cluster.states("n1") == [.draining])
    cluster.send(.resumeOperation("p7-1"), for: nil)
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n2"])
    cluster.complete("b")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("half of an exchange helps nobody: it is not paused; nor is what nobody knows")
  func notPaused() {
    var cluster = Coordination(["n1": ["a"], "n2": ["b"]])
    var wish = VMMigration(vm: "a", destination: "n2")
    wish.partner = SwapPartner(vm: "b")
    let swap = cluster.send(.migrate(wish), for: "n1")
    let pause = cluster.send(.pauseOperation(swap), for: nil)
    #expect(cluster.answers(pause).map(\.code) == [.wrongState])
    let unknown = cluster.send(.pauseOperation("x"), for: nil)
    #expect(cluster.answers(unknown).map(\.code) == [.notFound])
  }

  @Test("'report': at the deadline what has not moved stays, and the answer comes")
  func report() throws {
    var cluster = Coordination(["n1": ["a", "b"], "n2": []], outgoing: 1)
    let task = cluster.evacuate("n1", NodeEvacuation(deadline: Deadline(seconds: 60)))
    cluster.pass(.seconds(59))
    #expect(cluster.orders.count == 1)
    cluster.pass(.seconds(1))
    #expect(cluster.orders.last?.body == .cancel(cluster.order("a")!.task))
    cluster.answer("a", failing: .cancelled, details: "taken back")
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.entries.map(\.code) == [.cancelled, .timeout])
    #expect(answer.details?.hasSuffix("the deadline of 60 s has passed") == true)
    #expect(cluster.states("n1").last == .partial)
  }

  @Test("what the last attempt told, that a machine is kept in an image perhaps, is in the answer of a late evacuation")
  func lastWords() throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1", NodeEvacuation(deadline: Deadline(seconds: 1)))
    cluster.answer("a", failing: .destination, details: "it is kept in an image")
    cluster.pass(.seconds(60))
    let entry = try #require(cluster.answers(task).first?.entries.first)
    #expect(entry.details == "not moved before the deadline; before: it is kept in an image")
  }

  @Test("'warm': what has not moved by then stands still for its copy, and no attempt is lost")
  func warm() throws {
    var cluster = Coordination(["n1": ["a", "b"], "n2": []], outgoing: 1)
    let task = cluster.evacuate(
      "n1", NodeEvacuation(retries: 0, deadline: Deadline(seconds: 60, policy: .warm)))
    cluster.pass(.seconds(60))
    cluster.answer("a", failing: .cancelled)
    cluster.complete("a")
    cluster.complete("b")
    let types = cluster.orders.compactMap { order -> MigrationType? in
      if case .migrate(let wish) = order.body { wish.type } else { nil }
    }
    #expect(types == [.live, .warm, .warm])
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("a migration that ends well although it was taken back has moved")
  func lateSuccess() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1", NodeEvacuation(deadline: Deadline(seconds: 60, policy: .warm)))
    cluster.pass(.seconds(60))
    cluster.complete("a")
    #expect(cluster.answers(task).map(\.status) == [.success] && cluster.sent.count == 1)
  }

  @Test("a dry run is carried out under its own id")
  func applied() throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1", NodeEvacuation(migrationType: .warm, isDryRun: true))
    let task = cluster.send(.apply("p7-1"), for: nil)
    guard case .migrate(let wish) = try #require(cluster.orders.first).body else { return }
    #expect(wish.type == .warm && cluster.sent == ["a:n1>n2"])
    cluster.complete("a")
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.status == .success && answer.plan == "p7-1")
    #expect(cluster.plans.map(\.state) == [.drained])
    let again = cluster.send(.apply("p7-1"), for: nil)
    #expect(cluster.answers(again).map(\.code) == [.notFound])
  }

  @Test("a dry run is refused if the same would not be planned now")
  func outdated() throws {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": ["b"]])
    cluster.evacuate("n1", NodeEvacuation(isDryRun: true))
    cluster.vms["n2"] = [.sample("x", memory: 16)]
    cluster.report("n2")
    let task = cluster.send(.apply("p7-1"), for: nil)
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.code == .wrongState)
    #expect(
      answer.details == "the cluster has changed since p7-1 was planned: a would move to n3, not to n2; plan anew")
    #expect(cluster.sent.isEmpty)
  }

  @Test("who asks, what for and when are in the plan")
  func requester() throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = TaskMessage(
      id: "t", host: "n1", body: .evacuate(NodeEvacuation()), requester: "anna", reason: "new fan")
    cluster.handle(.taskReceived(task, from: Coordination.route))
    cluster.complete("a")
    let plan = try #require(cluster.plans.first)
    #expect(plan.requester == "anna" && plan.purpose == "new fan")
    #expect(plan.began == 1_000_000 && plan.ended == 1_000_000)
  }
}
