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
        task: TaskMessage(id: "t", host: "n1", body: .suspend(["a"])),
        code: .unsupported, details: "the coordinator does not take 'suspend vm'; send it to fast/migfra/<host>/task"),
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
    let other = TaskArrival(sequence: 0, route: ReplyRoute(topic: "fast/coordinator/result/other"))
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
}
