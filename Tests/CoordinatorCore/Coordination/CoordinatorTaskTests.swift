import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Tasks for the coordinator")
struct CoordinatorTaskTests {
  // MARK: Refusals

  /// What is asked of a coordinator that knows n1 with a machine, n2, and n3, which is offline.
  struct Refusal: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var task: TaskMessage
    var code: ErrorCode
    var details: String
  }

  private static func evacuation(_ host: HostName?) -> TaskMessage {
    TaskMessage(id: "t", host: host, body: .evacuate(NodeEvacuation()))
  }

  @Test(
    "What cannot be taken is refused at once, in words that say what to do",
    arguments: [
      Refusal(
        testDescription: "an unknown host", task: evacuation("n9"), code: .noWorker,
        details: "unknown host 'n9': no worker of that name has ever reported; see 'migfra hosts'"),
      Refusal(
        testDescription: "no host", task: evacuation(nil), code: .invalidMessage,
        details: "host: required, says which host is meant"),
      Refusal(
        testDescription: "a host whose worker is offline", task: evacuation("n3"), code: .noWorker,
        details: "the worker of n3 is offline: start migfra-worker there"),
      Refusal(
        testDescription: "a task for a worker",
        task: TaskMessage(id: "t", host: "n1", body: .migrate(VMMigration(vm: "a", destination: "n2"))),
        code: .unsupported, details: "the coordinator does not take 'migrate vm'; send it to fast/migfra/<host>/task"),
      Refusal(
        testDescription: "an option that cannot be had",
        task: TaskMessage(
          id: "t", host: "n1", body: .evacuate(NodeEvacuation()), unavailableOptions: ["rdma-migration"]),
        code: .unsupported, details: "not available in this version: rdma-migration"),
      Refusal(
        testDescription: "a task that is too old",
        task: TaskMessage(id: "t", host: "n1", body: .uncordon, notAfter: 999_998), code: .expired,
        details: "expired 2 s ago"),
    ])
  func refusals(_ row: Refusal) throws {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.lose("n3")
    cluster.handle(.taskReceived(row.task, from: Coordination.route))
    let answers = cluster.answers("t")
    let answer = try #require(answers.first)
    #expect(answers.count == 1)
    #expect(answer.code ?? answer.entries.first?.code == row.code)
    #expect(answer.details ?? answer.entries.first?.details == row.details)
    #expect(answer.scheduler == "global")
    #expect(cluster.sent.isEmpty && cluster.plans.isEmpty)
  }

  @Test("a task that is in time is taken")
  func inTime() {
    var cluster = Coordination(["n1": []])
    cluster.handle(
      .taskReceived(TaskMessage(id: "t", host: "n1", body: .uncordon, notAfter: 1_000_000), from: Coordination.route))
    #expect(cluster.answers("t").map(\.status) == [.success])
  }

  @Test("what cannot be read is answered, with the id if there was one")
  func unreadable() {
    var cluster = Coordination()
    let error = UnreadableTask(id: "t", code: .invalidMessage, description: "line 2: no")
    cluster.handle(.taskUnreadable(error, from: Coordination.route))
    #expect(
      cluster.answers("t") == [
        TaskResult(
          title: .unknown, id: "t",
          entries: [VMOutcome(vm: "unknown", failure: .invalidMessage, details: "line 2: no")])
      ])
  }

  @Test("a host that is being emptied is not emptied twice; a dry run may look")
  func alreadyDraining() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    let second = cluster.evacuate("n1")
    #expect(cluster.answers(second).map(\.code) == [.wrongState])
    #expect(cluster.answers(second).first?.details == "n1 is already being emptied by plan p7-1")
    let dry = cluster.evacuate("n1", NodeEvacuation(isDryRun: true))
    #expect(cluster.answers(dry).map(\.status) == [.success])
  }

  // MARK: Repeats

  @Test("a task that comes twice while it runs is done once and answered once")
  func repeatedWhileRunning() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1", id: "t")
    cluster.evacuate("n1", id: "t")
    #expect(cluster.sent == ["a:n1>n2"] && cluster.plans.count == 1 && cluster.answers("t").isEmpty)
    cluster.complete("a")
    #expect(cluster.answers("t").count == 1)
  }

  @Test("a task that comes again after its answer gets the same answer, where it asks for it")
  func repeatedAfterwards() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1", id: "t")
    cluster.complete("a")
    let other = ReplyRoute(topic: "fast/coordinator/result/other")
    cluster.evacuate("n1", id: "t", from: other)
    let answers = cluster.answers("t")
    #expect(answers.count == 2 && answers[0] == answers[1])
    #expect(cluster.effects.last == .answer(answers[0], to: other))
    #expect(cluster.sent.count == 1)
  }

  @Test("the same id with another content is refused")
  func conflictingID() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1", id: "t")
    cluster.evacuate("n1", id: "t", NodeEvacuation(mode: .compact))
    #expect(cluster.answers("t").map(\.code) == [.duplicateID])
    cluster.complete("a")
    #expect(cluster.answers("t").map(\.status) == [.error, .success])
  }

  @Test("tasks without an id are each done")
  func withoutID() {
    var cluster = Coordination(["n1": []])
    for _ in 0..<2 {
      cluster.handle(
        .taskReceived(TaskMessage(host: "n1", body: .evacuate(NodeEvacuation())), from: Coordination.route))
    }
    #expect(cluster.states("n1") == [.draining, .drained, .draining, .drained])
  }

  @Test("a key without meaning is told in the answer and in the log")
  func warnings() {
    var cluster = Coordination(["n1": []])
    let task = TaskMessage(
      id: "t", host: "n1", body: .evacuate(NodeEvacuation()), warnings: ["unknown key 'modus' ignored (line 3)"])
    cluster.handle(.taskReceived(task, from: Coordination.route))
    #expect(
      cluster.answers("t").map(\.details) == ["there was nothing to move; unknown key 'modus' ignored (line 3)"])
    #expect(
      cluster.effects.contains(
        .note(
          Note(.warning, "a task has a key without meaning", ["warning": "unknown key 'modus' ignored (line 3)"]))))
  }

  // MARK: Plans

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
          source: "n1", mode: .scatter, overbooking: true, bestEffort: true, migrationType: .warm, retries: 9))
    #expect(
      request(
        NodeEvacuation(
          destinations: ["n2"], mode: .compact, migrationType: .live, overbooking: false, retries: 0, bestEffort: false,
          isDryRun: true))
        == EvacuationRequest(
          source: "n1", destinations: ["n2"], mode: .compact, overbooking: false, bestEffort: false,
          migrationType: .live, retries: 0))
  }

  // MARK: Cordon

  @Test("a cordoned host receives nothing unless it is named, until it is uncordoned")
  func cordon() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    let task = cluster.send(.cordon(reason: "fan"), for: "n2")
    #expect(
      cluster.answers(task) == [
        TaskResult(
          title: .nodeCordoned, id: task, scheduler: "global", status: .success, details: "n2 takes no arrivals")
      ])
    #expect(cluster.effects.contains(.publishNode(NodeReport(host: "n2", state: .cordoned, reason: "fan"))))
    let before = cluster.evacuate("n1", NodeEvacuation(isDryRun: true))
    #expect(cluster.answers(before).first?.entries.first?.details == "would move to n3")
    let named = cluster.evacuate("n1", NodeEvacuation(destinations: ["n2"], isDryRun: true))
    #expect(cluster.answers(named).first?.entries.first?.details == "would move to n2")
    let again = cluster.send(.cordon(reason: "fan again"), for: "n2")
    #expect(cluster.answers(again).first?.details == "n2 is CORDONED already")
    let back = cluster.send(.uncordon, for: "n2")
    #expect(cluster.answers(back).first?.details == "n2 takes arrivals")
    #expect(cluster.states("n2") == [.cordoned, .active])
    let after = cluster.evacuate("n1", NodeEvacuation(isDryRun: true))
    #expect(cluster.answers(after).first?.entries.first?.details == "would move to n2")
  }

  @Test("a drained host takes nothing until it is uncordoned")
  func drained() {
    var cluster = Coordination(["n1": [], "n2": ["b"]])
    cluster.evacuate("n1")
    let refused = cluster.evacuate("n2")
    #expect(cluster.answers(refused).first?.entries.first?.details == "no destination: n1: drained")
    cluster.send(.uncordon, for: "n1")
    cluster.evacuate("n2")
    #expect(cluster.sent == ["b:n2>n1"])
  }

  @Test("a host that is being emptied is neither cordoned nor uncordoned")
  func cordonWhileDraining() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    let cordon = cluster.send(.cordon(reason: "x"), for: "n1")
    #expect(cluster.answers(cordon).first?.details == "n1 is DRAINING already")
    let uncordon = cluster.send(.uncordon, for: "n1")
    #expect(cluster.answers(uncordon).map(\.code) == [.wrongState])
    #expect(cluster.states("n1") == [.draining])
  }

  // MARK: After a restart

  @Test(
    "a node's state outlives the coordinator, except that nobody empties it any more",
    arguments: [(.cordoned, nil), (.drained, nil), (.partial, nil), (.active, nil), (.draining, .partial)]
      as [(NodeReport.State, NodeReport.State?)])
  func recalledNodes(state: NodeReport.State, said: NodeReport.State?) {
    var cluster = Coordination()
    cluster.handle(.nodeRecalled(NodeReport(host: "n2", state: state, reason: "before")))
    #expect(cluster.states("n2") == [said].compactMap { $0 })
    cluster.add("n1", [.sample("a")])
    cluster.add("n2")
    cluster.evacuate("n1")
    #expect(cluster.sent == (state == .active ? ["a:n1>n2"] : []))
  }

  @Test("what the broker kept does not undo what this coordinator has said since")
  func recalledTooLate() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.handle(.nodeRecalled(NodeReport(host: "n2", state: .cordoned, reason: "before")))
    cluster.send(.uncordon, for: "n2")
    // The connection was lost before the broker had the new state: it repeats the old one.
    cluster.handle(.nodeRecalled(NodeReport(host: "n2", state: .cordoned, reason: "before")))
    cluster.evacuate("n1")
    #expect(cluster.sent == ["a:n1>n2"])
  }

  @Test(
    "a recalled plan that was under way is called partial; one that had its end is left alone",
    arguments: PlanReport.State.allCases)
  func recalledPlans(state: PlanReport.State) {
    var cluster = Coordination()
    let plan = PlanReport(id: "p1-1", request: EvacuationRequest(source: "n1"), state: state, remainingSeconds: 5)
    cluster.handle(.planRecalled(plan))
    cluster.handle(.planRecalled(plan))
    #expect(cluster.plans.map(\.state) == (state == .draining ? [.partial] : []))
    #expect(cluster.plans.allSatisfy { $0.remainingSeconds == nil })
  }

  @Test("the echo of a plan that is under way changes nothing")
  func ownPlanRecalled() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    let count = cluster.effects.count
    cluster.handle(.planRecalled(cluster.plans[0]))
    #expect(cluster.effects.count == count)
  }

  @Test("only the latest finished plans are kept, those of earlier lives among them")
  func keptPlans() {
    var cluster = Coordination(["n1": [], "n2": []], keptPlans: 3)
    cluster.handle(
      .planRecalled(PlanReport(id: "p1-1", request: EvacuationRequest(source: "n1"), state: .drained)))
    for _ in 0..<5 {
      cluster.evacuate("n1")
      cluster.evacuate("n2", NodeEvacuation(isDryRun: true))
    }
    let forgotten = cluster.effects.compactMap { effect -> PlanID? in
      if case .forgetPlan(let plan) = effect { plan } else { nil }
    }
    #expect(forgotten == ["p1-1", "p7-1", "p7-2", "p7-3", "p7-4", "p7-5", "p7-6", "p7-7"])
  }
}
