import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("Cancelling a task")
struct CancelTests {
  private func answer(_ bench: Workbench, _ sequence: Int64) -> TaskResult? {
    #expect(bench.answers(sequence).count <= 1)
    return bench.answers(sequence).first
  }

  private static let done = TaskResult(title: .taskCancelled, id: "c", status: .success, details: "t was cancelled")

  @Test("that waits: it never begins")
  func queued() {
    var bench = Workbench()
    bench.receive(.stop("a"))
    let task = bench.receive(.migrate("a"), id: "t")
    let cancel = bench.receive(.cancel("t"), id: "c")
    #expect(answer(bench, cancel) == Self.done)
    #expect(
      answer(bench, task)?.entries == [VMOutcome(vm: "a", failure: .cancelled, details: "cancelled before it began")])
    bench.finish("a")
    #expect(bench.work == [])
  }

  @Test("that an earlier incarnation had begun: where the machine is decides, and its job goes on")
  func begunBefore() {
    let job = SuspendedJob(vm: "a", audience: .processes(["1"]), isClosed: true)
    var bench = Workbench(hasInventory: false, jobs: [job])
    let task = TaskMessage(id: "t", body: .migrate("a", hook: .announced))
    bench.handle(.taskReceived(task, TaskArrival(sequence: 90, route: Workbench.route, isRecalled: true)))
    bench.handle(.recallEnded)
    let cancel = bench.receive(.cancel("t"), id: "c")
    #expect(bench.answers(90) == [] && answer(bench, cancel) == nil)
    bench.handle(.inventoryTaken(Workbench.inventory))
    bench.fail("a", .expired)
    #expect(bench.asked == ["resume a 1"])
    bench.handle(.processesAsked("a", .resume))
    bench.answer(.resume, "1")
    #expect(answer(bench, 90)?.entries.first?.code == .cancelled && answer(bench, cancel) == Self.done)
  }

  @Test("that is being performed: the outcome is waited for")
  func performing() {
    var bench = Workbench()
    let task = bench.receive(.migrate("a", retries: 3), id: "t")
    let cancel = bench.receive(.cancel("t"), id: "c")
    #expect(bench.aborted.count == 1 && answer(bench, cancel) == nil)
    bench.fail("a", .cancelled)
    #expect(answer(bench, cancel) == Self.done)
    #expect(answer(bench, task)?.entries.first?.code == .cancelled)
  }

  @Test("that ended all the same: too late, and its own answer stands")
  func tooLate() {
    var bench = Workbench()
    let task = bench.receive(.migrate("a"), id: "t")
    let cancel = bench.receive(.cancel("t"), id: "c")
    bench.finish("a")
    #expect(answer(bench, cancel)?.code == .tooLate)
    #expect(answer(bench, cancel)?.details == "t has ended: vm migrated")
    #expect(answer(bench, task)?.entries.first?.isSuccess == true)
  }

  @Test("a passing error after a cancel is not tried again")
  func noRetry() {
    var bench = Workbench()
    bench.receive(.migrate("a", retries: 3), id: "t")
    let cancel = bench.receive(.cancel("t"), id: "c")
    bench.fail("a", .destination, mayPass: true)
    #expect(answer(bench, cancel)?.code == .tooLate)
    bench.pass(.seconds(60))
    #expect(bench.work == [])
  }

  @Test("between two attempts: there is no other")
  func pausing() {
    var bench = Workbench()
    bench.receive(.migrate("a", retries: 3), id: "t")
    bench.fail("a", mayPass: true)
    let cancel = bench.receive(.cancel("t"), id: "c")
    #expect(answer(bench, cancel) == Self.done)
    bench.pass(.seconds(60))
    #expect(bench.work == [])
  }

  @Test("while its job closes its connections: they are opened before anything is answered")
  func closing() {
    var bench = Workbench()
    bench.connect()
    bench.announce("1")
    let task = bench.receive(.migrate("a", hook: .announced), id: "t")
    bench.finish("a", .ready)
    let cancel = bench.receive(.cancel("t"), id: "c")
    #expect(bench.asked == ["suspend a 1", "resume a 1"] && answer(bench, cancel) == nil)
    // A late answer to the first request is none to the second.
    bench.answer(.suspend, "1")
    #expect(answer(bench, task) == nil)
    bench.answer(.resume, "1")
    #expect(answer(bench, cancel) == Self.done && answer(bench, task)?.entries.first?.code == .cancelled)
  }

  @Test("of several machines: those that wait are cancelled, and the answer names them")
  func partial() {
    var bench = Workbench(starts: 1)
    let task = bench.receive(.start("a", "b"), id: "t")
    let cancel = bench.receive(.cancel("t"), id: "c")
    bench.finish("a")
    #expect(answer(bench, cancel)?.status == .partial)
    #expect(answer(bench, cancel)?.details == "cancelled for b; for the others it was too late: vm started, 1")
    #expect(answer(bench, task)?.entries.map(\.code) == [nil, .cancelled])
  }

  @Test("that cannot be ended: it is waited for")
  func notAbortable() {
    var bench = Workbench()
    bench.receive(.suspend(["a"]), id: "t")
    let cancel = bench.receive(.cancel("t"), id: "c")
    #expect(bench.aborted == [] && answer(bench, cancel) == nil)
    bench.finish("a")
    #expect(answer(bench, cancel)?.code == .tooLate)
  }

  @Test("that nobody knows, that has ended, or that the coordinator has")
  func others() {
    var bench = Workbench()
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: true, epoch: 1)))
    let unknown = bench.receive(.cancel("x"), id: "c1")
    #expect(answer(bench, unknown)?.code == .notFound)
    bench.receive(.stop("a"), id: "t")
    bench.finish("a")
    let ended = bench.receive(.cancel("t"), id: "c2")
    #expect(answer(bench, ended)?.details == "t has ended: vm stopped")
    bench.receive(.evacuate(NodeEvacuation()), id: "e")
    // The coordinator has it, under another id.
    let handedOver = bench.receive(.cancel("e"), id: "c3")
    #expect(bench.handedOver.last?.body == bench.handedOver.first?.id.map { .cancel($0) })
    let id = bench.handedOver.last?.id
    bench.handle(.coordinatorAnswered(TaskResult(title: .taskCancelled, id: id, status: .success, details: "1 moved")))
    #expect(answer(bench, handedOver)?.details == "1 moved" && answer(bench, handedOver)?.id == "c3")
  }

  @Test("twice: both are answered, and it is ended once")
  func twice() {
    var bench = Workbench()
    bench.receive(.migrate("a"), id: "t")
    let first = bench.receive(.cancel("t"), id: "c")
    let second = bench.receive(.cancel("t"), id: "d")
    bench.fail("a", .cancelled)
    #expect(bench.aborted.count == 1)
    #expect(answer(bench, first)?.status == .success && answer(bench, second)?.status == .success)
  }
}

@Suite("Ending the worker by a task")
struct QuitTests {
  @Test("comes when what it does has ended; what comes meanwhile is left to the next start")
  func quit() {
    var bench = Workbench(mayQuit: true)
    bench.receive(.stop("a"))
    let quit = bench.receive(.quit, id: "q")
    let late = bench.receive(.stop("b"))
    #expect(bench.answers(quit) == [] && bench.work == ["stop a"])
    bench.finish("a")
    #expect(bench.answers(quit) == [TaskResult(title: .quit, id: "q", entries: [VMOutcome(vm: "n/a")])])
    #expect(bench.effects.last == .finishSaying)
    #expect(bench.answers(late) == [] && bench.work == [])
    bench.handle(.everythingSaid)
    #expect(bench.effects.last == .stop)
  }

  @Test("a quit of the last incarnation ends nothing")
  func recalled() {
    var bench = Workbench(mayQuit: true)
    bench.recall(TaskMessage(id: "q", body: .quit))
    #expect(bench.answers(1).count == 1 && !bench.effects.contains(.finishSaying))
  }
}
