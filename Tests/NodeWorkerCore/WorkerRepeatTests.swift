import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("Tasks that come more than once")
struct WorkerRepeatTests {
  @Test("a task that comes twice while it runs is done once; the second is forgotten")
  func repeatedWhileRunning() {
    var bench = Workbench()
    let first = bench.receive(.stop("a"), id: "t")
    let second = bench.receive(.stop("a"), id: "t")
    #expect(bench.effects.last == .forget(TaskArrival(sequence: second, route: Workbench.route)))
    bench.finish("a")
    #expect(bench.answers(first).count == 1 && bench.answers(second).isEmpty && bench.work.isEmpty)
  }

  @Test("a task that comes again after its answer gets the same answer, where it asks for it")
  func repeatedAfterwards() {
    var bench = Workbench()
    let first = bench.receive(.stop("a"), id: "t")
    bench.fail("a")
    let route = ReplyRoute(topic: "elsewhere")
    let second = bench.receive(.stop("a"), id: "t", from: route)
    #expect(bench.answers(second) == bench.answers(first) && bench.work.isEmpty)
    #expect(
      bench.effects.last == .answer(bench.answers(first)[0], TaskArrival(sequence: second, route: route)))
  }

  @Test("a refusal is repeated too")
  func repeatedRefusal() {
    var bench = Workbench()
    let first = bench.receive(.quit, id: "t")
    let second = bench.receive(.quit, id: "t")
    #expect(bench.answers(second) == bench.answers(first))
  }

  @Test("refused for a full disk, and brought once more when there is room: not done, the same answer")
  func unwrittenAndBroughtAgain() {
    var bench = Workbench()
    let task = TaskMessage(id: "t", body: .stop([VMStop(vm: "a")]))
    bench.handle(.taskUnwritten(task, TaskArrival(sequence: 0, route: Workbench.route), cause: "full"))
    #expect(bench.answers(0).first?.entries.first?.code == .internal)
    #expect(bench.answers(0).first?.entries.first?.details?.contains("was not executed") == true)
    let again = bench.receive(task)
    #expect(bench.answers(again) == bench.answers(0) && bench.work.isEmpty)
  }

  @Test("a running task that comes again when the disk is full has its one answer")
  func runningAndUnwritten() {
    var bench = Workbench()
    let task = TaskMessage(id: "t", body: .stop([VMStop(vm: "a")]))
    let first = bench.receive(task)
    bench.handle(.taskUnwritten(task, TaskArrival(sequence: 0, route: Workbench.route), cause: "full"))
    #expect(bench.answers(0).isEmpty)
    bench.finish("a")
    bench.handle(.taskUnwritten(task, TaskArrival(sequence: 0, route: Workbench.route), cause: "full"))
    #expect(bench.answers(0) == bench.answers(first))
  }

  @Test("the same id with another content is refused, and the first task is answered as ever")
  func conflictingID() {
    var bench = Workbench()
    let first = bench.receive(.start("a"), id: "t")
    let second = bench.receive(.start("b"), id: "t")
    #expect(
      bench.answers(second) == [
        TaskResult(
          title: .vmStarted, id: "t", scheduler: "n1",
          entries: [VMOutcome(vm: "b", failure: .duplicateID, details: "the id 't' was used for another task")])
      ])
    #expect(bench.work == ["start a"])
    bench.finish("a")
    #expect(bench.answers(first).count == 1)
  }

  @Test("tasks without an id are each done")
  func withoutID() {
    var bench = Workbench()
    let first = bench.receive(.stop("a"))
    let second = bench.receive(.stop("a"))
    bench.finish("a")
    bench.finish("a")
    #expect(bench.answers(first).count == 1 && bench.answers(second).count == 1)
  }

  @Test("a task that an earlier life answered gets that answer")
  func recalled() {
    var bench = Workbench()
    let task = TaskMessage(id: "t", body: .stop("a"))
    let answer = TaskResult(title: .vmStopped, id: "t", entries: [VMOutcome(vm: "a")])
    var machine = bench.machine
    machine.recall(task, answeredWith: answer)
    let arrival = TaskArrival(sequence: 9, route: Workbench.route)
    #expect(machine.handle(.taskReceived(task, arrival), at: bench.moment) == [.answer(answer, arrival)])
    bench.receive(task)
    #expect(bench.work == ["stop a"], "the worker that recalled nothing does it")
  }
}
