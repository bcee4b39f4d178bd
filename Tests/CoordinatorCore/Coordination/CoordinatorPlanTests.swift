import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Plans before anything moves")
struct CoordinatorPlanTests {
  @Test("a dry run tells where everything would go, and moves nothing")
  func dryRun() throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.vms["n1"]?.append(.sample("large", memory: 99))
    cluster.report("n1")
    let task = cluster.evacuate("n1", NodeEvacuation(isDryRun: true))
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.status == .infeasible && answer.plan == "p7-1")
    #expect(answer.entries.first == VMOutcome(vm: "a", details: "would move to n2"))
    #expect(answer.entries.last?.code == .capacity)
    #expect(cluster.plans.map(\.state) == [.planned])
    #expect(cluster.sent.isEmpty && cluster.states("n1").isEmpty && cluster.machine.evacuations.isEmpty)
  }

  @Test("what cannot all be moved is refused before anything moves, if best effort is not wanted")
  func infeasible() throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.vms["n1"]?.append(.sample("large", memory: 99))
    cluster.report("n1")
    let task = cluster.evacuate("n1", NodeEvacuation(bestEffort: false))
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.status == .infeasible && answer.code == .capacity)
    #expect(answer.details == "1 of 2 have no place; nothing was moved")
    #expect(
      answer.entries == [
        VMOutcome(
          vm: "large", failure: .capacity,
          details: "needs 99 GiB of memory; closest is n2 with 15 GiB free, 84 GiB missing"),
        VMOutcome(vm: "a", failure: .capacity, details: "not moved, because others have no place"),
      ])
    #expect(cluster.plans.map(\.state) == [.failed])
    #expect(cluster.sent.isEmpty && cluster.states("n1").isEmpty)
  }

  @Test("best effort moves the rest, and is what the seed's plain form means", arguments: [nil, true])
  func bestEffort(wish: Bool?) throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.vms["n1"]?.append(.sample("large", memory: 99))
    cluster.report("n1")
    let task = cluster.evacuate("n1", NodeEvacuation(bestEffort: wish))
    cluster.complete("a")
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.status == .partial && answer.entries.map(\.isSuccess) == [true, false])
    #expect(cluster.states("n1") == [.draining, .partial])
  }

  @Test("if nothing can be moved it is refused even with best effort")
  func nothingFits() {
    var cluster = Coordination(["n1": ["a"]])
    let task = cluster.evacuate("n1")
    #expect(cluster.answers(task).map(\.status) == [.infeasible])
    #expect(cluster.answers(task).first?.entries.first?.details == "no destination: there is no other host")
    #expect(cluster.states("n1").isEmpty)
  }

  @Test("an empty host is drained at once; what is shut off does not count")
  func empty() {
    var cluster = Coordination(["n1": [], "n2": []])
    cluster.vms["n1"] = [.sample("off", state: .shutOff), .sample("crashed", state: .crashed)]
    cluster.report("n1")
    let task = cluster.evacuate("n1")
    #expect(cluster.answers(task).map(\.status) == [.success])
    #expect(cluster.states("n1") == [.draining, .drained])
    #expect(cluster.plans.map(\.state) == [.drained])
  }

  @Test("what a task leaves open comes from the configuration, what it says from the task")
  func defaults() {
    var machine = CoordinatorMachine(
      CoordinatorMachine.Configuration(
        epoch: 1, mode: .scatter, migrationType: .warm, overbooking: true, retries: 9))
    let report = HostReport(host: "n1", presence: .online, epoch: 1, sequence: 1, vms: [.sample("a")])
    let now = Moment(uptime: .zero, unixTime: 0)
    _ = machine.handle(.hostReported(report), at: now)
    func request(_ evacuation: NodeEvacuation) -> EvacuationRequest? {
      let task = TaskMessage(host: "n1", body: .evacuate(evacuation))
      for case .publishPlan(let plan) in machine.handle(.taskReceived(task, from: Coordination.route), at: now) {
        return plan.request
      }
      return nil
    }
    #expect(
      request(NodeEvacuation(isDryRun: true))
        == EvacuationRequest(
          sources: ["n1"], mode: .scatter, overbooking: true, bestEffort: true, migrationType: .warm, retries: 9))
    #expect(
      request(
        NodeEvacuation(
          destinations: ["n2"], mode: .compact, migrationType: .live, overbooking: false, retries: 0, bestEffort: false,
          isDryRun: true))
        == EvacuationRequest(
          sources: ["n1"], destinations: ["n2"], mode: .compact, overbooking: false, bestEffort: false,
          migrationType: .live, retries: 0))
  }
}
