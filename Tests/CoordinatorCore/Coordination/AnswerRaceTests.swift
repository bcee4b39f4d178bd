import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Races of answers and reports")
struct AnswerRaceTests {
  @Test("an answer that comes twice")
  func answerTwice() {
    var cluster = Coordination(["n1": ["a", "b"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.complete("a")
    cluster.answer("a")
    cluster.answer("a", failing: .hypervisor)
    cluster.complete("b")
    cluster.answer("b")
    #expect(cluster.sent.count == 2 && cluster.answers(task).map(\.status) == [.success])
  }

  @Test("an answer to the first attempt that comes during the second")
  func answerToEarlierAttempt() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    let first = cluster.order("a")?.task
    cluster.answer("a", failing: .hypervisor)
    cluster.pass(.seconds(1))
    cluster.handle(
      .workerAnswered(TaskResult(title: .vmMigrated, id: first, entries: [VMOutcome(vm: "a")]), from: "n1"))
    #expect(cluster.machine.evacuations.first?.migrations.first?.task != nil)
    cluster.complete("a")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test(
    "an answer about a step that comes from another host than the one that was asked",
    arguments: [nil, SwapPartner(vm: "b")])
  func stepFromElsewhere(partner: SwapPartner?) {
    var cluster = Coordination(["n1": ["a"], "n2": ["b"]])
    let task = cluster.send(
      .migrate(VMMigration(vm: "a", destination: "n2", retries: 0, partner: partner)), for: "n1")
    let result = TaskResult(title: .vmMigrated, id: cluster.order("a")?.task, entries: [VMOutcome(vm: "a")])
    cluster.handle(.workerAnswered(result, from: "n2"))
    #expect(cluster.answers(task).isEmpty && cluster.orders.count == (partner == nil ? 1 : 2))
    let steps =
      cluster.machine.rearrangements.flatMap(\.steps).map(\.migration)
      + cluster.machine.swaps.flatMap(\.steps).map(\.migration)
    #expect(steps.allSatisfy { !$0.isMoved })
  }

  @Test("an answer that comes from another host than the one that was asked")
  func answerFromElsewhere() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.evacuate("n1")
    let result = TaskResult(title: .vmMigrated, id: cluster.order("a")?.task, entries: [VMOutcome(vm: "a")])
    cluster.handle(.workerAnswered(result, from: "n2"))
    #expect(cluster.machine.evacuations.first?.migrations.first?.task != nil)
  }

  @Test("an answer after the evacuation's end")
  func answerAfterEnd() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.lose("n1")
    cluster.pass(.seconds(60))
    #expect(cluster.answers(task).map(\.status) == [.error])
    cluster.answer("a")
    #expect(cluster.answers(task).count == 1 && cluster.states("n1") == [.draining, .partial])
  }

  @Test("answers before reports")
  func answersBeforeReports() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.answer("a")
    #expect(cluster.answers(task).isEmpty)
    cluster.carry("a", "n1", to: "n2")
    cluster.report("n1")
    #expect(cluster.answers(task).isEmpty)
    cluster.report("n2")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("answers, and no reports: a ghost is named after 10 s")
  func ghost() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.evacuate("n1")
    cluster.answer("a")
    cluster.pass(.milliseconds(9999))
    #expect(cluster.answers(task).isEmpty)
    cluster.pass(.milliseconds(1))
    #expect(cluster.answers(task).map(\.details) == ["1 moved, 0 stayed; n1 still reports a"])
    #expect(cluster.states("n1") == [.draining, .partial])
  }
}
