import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("Tasks for a worker")
struct WorkerTaskTests {
  // MARK: Answers

  @Test("each kind of task is answered in the seed's shape")
  func shapes() {
    var bench = Workbench()
    func answer(_ body: TaskMessage.Body, vm: VMName, _ outcome: OperationOutcome) -> TaskResult? {
      let task = bench.receive(body, id: TaskID(rawValue: "t-\(vm)"))
      bench.finish(vm, outcome)
      return bench.answers(task).first
    }
    #expect(
      answer(.start("b"), vm: "b", .success(vm: "b", processID: 77))
        == TaskResult(
          title: .vmStarted, id: "t-b", scheduler: "n1", entries: [VMOutcome(vm: "b", processID: 77)]))
    #expect(
      answer(.stop("c"), vm: "c", .success(vm: "c"))
        == TaskResult(title: .vmStopped, id: "t-c", entries: [VMOutcome(vm: "c")]))
    #expect(
      answer(.suspend(["d"]), vm: "d", .success(vm: "d"))
        == TaskResult(title: .vmSuspended, id: "t-d", entries: [VMOutcome(vm: "d")]))
    #expect(
      answer(.resume(["e"]), vm: "e", .failure(.notFound, "no e", mayPass: false))
        == TaskResult(
          title: .vmResumed, id: "t-e", entries: [VMOutcome(vm: "e", failure: .notFound, details: "no e")]))
    #expect(
      answer(.migrate("f"), vm: "f", .success(vm: "f", processID: 78))
        == TaskResult(title: .vmMigrated, id: "t-f", entries: [VMOutcome(vm: "f", details: "0", processID: 78)]))
  }

  @Test("a list is answered once, when its last machine is done, in its order")
  func list() {
    var bench = Workbench()
    let task = bench.receive(.stop("a", "b", "c"), id: "t")
    bench.finish("c")
    bench.fail("a", .notFound)
    #expect(bench.answers(task).isEmpty)
    bench.finish("b")
    #expect(
      bench.answers(task) == [
        TaskResult(
          title: .vmStopped, id: "t",
          entries: [VMOutcome(vm: "a", failure: .notFound, details: "cause"), VMOutcome(vm: "b"), VMOutcome(vm: "c")])
      ])
  }

  @Test("a machine that is started from XML is called as libvirt calls it")
  func xmlName() {
    var bench = Workbench()
    let task = bench.receive(.start([VMStart(source: .xml("<domain/>", isTransient: true))]))
    bench.handle(.operationFinished(bench.running[0].id, .success(vm: "real", processID: 5)))
    #expect(bench.answers(task).first?.entries == [VMOutcome(vm: "real", processID: 5)])
    let other = bench.receive(.start([VMStart(source: .xml("<domain/>", isTransient: true))]))
    bench.handle(.operationFinished(bench.running[1].id, .failure(.hypervisor, "no", mayPass: false)))
    #expect(bench.answers(other).first?.entries.map(\.vm) == ["unknown"])
  }

  @Test("what a task leaves open comes from the configuration, what it says from the task")
  func defaults() {
    var bench = Workbench()
    bench.receive(.migrate(VMMigration(vm: "a", destination: "n2")), id: "t")
    bench.receive(.migrate(VMMigration(vm: "b", destination: "n3", type: .live)))
    #expect(bench.running[0].operation == .migrate(MigrationOrder(vm: "a", destination: "n2", type: .warm, task: "t")))
    #expect(bench.running[1].operation == .migrate(MigrationOrder(vm: "b", destination: "n3", type: .live)))
  }

  @Test("times are told if they are asked for, on failure too")
  func times() {
    for isAsked in [true, false] {
      var bench = Workbench()
      let tag = TimeMeasurement("migrate", seconds: 2)
      let first = bench.receive(TaskMessage(body: .migrate("a"), measuresTime: isAsked))
      let second = bench.receive(TaskMessage(body: .migrate("b"), measuresTime: isAsked))
      bench.pass(.seconds(3))
      bench.finish("a", .success(vm: "a", times: [tag]))
      bench.finish("b", .failure(.exists, "no", mayPass: false, times: [tag]))
      let expected = isAsked ? [TimeMeasurement("overall", seconds: 3), tag] : []
      #expect(bench.answers(first).first?.entries.first?.times == expected)
      #expect(bench.answers(second).first?.entries.first?.times == expected)
    }
  }

  @Test("keys without meaning are told in each machine's details, and in the log")
  func warnings() {
    var bench = Workbench()
    let task = bench.receive(TaskMessage(body: .stop("a", "b"), warnings: ["unknown key 'x'", "unknown key 'y'"]))
    bench.finish("a")
    bench.fail("b")
    #expect(
      bench.answers(task).first?.entries.map(\.details) == [
        "unknown key 'x'; unknown key 'y'", "cause; unknown key 'x'; unknown key 'y'",
      ])
    #expect(
      bench.effects.contains(.note(Note(.warning, "a task has a key without meaning", ["warning": "unknown key 'y'"])))
    )
  }

  @Test("what cannot be read is answered, with the id if there was one", arguments: ["t", nil] as [TaskID?])
  func unreadable(id: TaskID?) {
    var bench = Workbench()
    let error = UnreadableTask(id: id, code: .invalidMessage, description: "line 2: no")
    bench.handle(.taskUnreadable(error, TaskArrival(sequence: 9, route: Workbench.route)))
    #expect(
      bench.answers(9) == [
        TaskResult(
          title: .unknown, id: id, entries: [VMOutcome(vm: "unknown", failure: .invalidMessage, details: "line 2: no")])
      ])
  }

  // MARK: Refusals

  struct Refusal: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var task: TaskMessage
    var answer: TaskResult
  }

  private static func refused(
    _ title: TaskResult.Title, _ vm: VMName, _ code: ErrorCode, _ details: String, scheduler: String? = nil
  ) -> TaskResult {
    TaskResult(
      title: title, id: "t", scheduler: scheduler, entries: [VMOutcome(vm: vm, failure: code, details: details)])
  }

  @Test(
    "What cannot be taken is refused at once, and nothing is done",
    arguments: [
      Refusal(
        testDescription: "too old", task: TaskMessage(id: "t", body: .stop("a"), notAfter: 999_995),
        answer: refused(.vmStopped, "a", .expired, "expired 5 s ago, not executed")),
      Refusal(
        testDescription: "another driver", task: TaskMessage(id: "t", body: .migrate("a"), driver: "xen"),
        answer: refused(.vmMigrated, "a", .unsupported, "driver 'xen' is not that of n1, which is 'qemu'")),
      Refusal(
        testDescription: "a start with another driver says who answers",
        task: TaskMessage(id: "t", body: .start("a"), driver: "test:///default#"),
        answer: refused(
          .vmStarted, "a", .unsupported, "driver 'test:///default#' is not that of n1, which is 'qemu'",
          scheduler: "n1")),
      Refusal(
        testDescription: "quit", task: TaskMessage(id: "t", body: .quit),
        answer: refused(
          .quit, "unknown", .refused, "'quit' is not enabled (allow-quit); stop the worker by its service manager")),
      Refusal(
        testDescription: "a migration to the host itself",
        task: TaskMessage(id: "t", body: .migrate(VMMigration(vm: "a", destination: "n1"))),
        answer: refused(
          .vmMigrated, "a", .destination, "'a' cannot be migrated to n1: that is this host itself")),
      Refusal(
        testDescription: "a list of nothing", task: TaskMessage(id: "t", body: .stop([])),
        answer: refused(.vmStopped, "unknown", .invalidMessage, "the list of machines is empty")),
    ])
  func refusals(_ row: Refusal) {
    var bench = Workbench()
    let task = bench.receive(row.task)
    #expect(bench.answers(task) == [row.answer])
    #expect(bench.work.isEmpty)
  }

  @Test("a task that is in time is done")
  func inTime() {
    var bench = Workbench()
    bench.receive(TaskMessage(body: .stop("a"), notAfter: 1_000_000))
    #expect(bench.work == ["stop a"])
  }

  @Test("a migration that was taken before a restart is judged by where the machine is, however late it is")
  func expiredWhileAway() {
    var bench = Workbench()
    let task = TaskMessage(id: "m", body: .migrate("a"), notAfter: 999_000)
    let arrival = TaskArrival(sequence: 9, route: Workbench.route, isRecalled: true)
    bench.handle(.taskReceived(task, arrival))
    guard case .migrate(let order)? = bench.running.first?.operation else {
      Issue.record("it is not looked at")
      return
    }
    #expect(!order.mayBegin)
  }

  @Test("another task that expired while the worker was away is answered as not known")
  func notKnown() {
    var bench = Workbench()
    let task = TaskMessage(id: "s", body: .stop("a"), notAfter: 999_000)
    bench.handle(.taskReceived(task, TaskArrival(sequence: 9, route: Workbench.route, isRecalled: true)))
    #expect(bench.running.isEmpty)
    #expect(bench.answers(9).first?.entries.first?.details?.contains("is not known") == true)
  }

  @Test("a stop by pattern means the active machines; each has its own entry, and none is a success")
  func patterns() throws {
    var bench = Workbench()
    let name = try #require(Workbench.inventory.vms.first { $0.state.isActive }?.name)
    let everything = VMStop(matching: try NamePattern(".*"), isForced: true)
    let all = bench.receive(.stop([everything, VMStop(vm: name)]))
    #expect(bench.running.map(\.operation) == [.stop(VMStop(vm: name, isForced: true))])
    bench.finish(name)
    #expect(bench.answers(all).first?.entries == [VMOutcome(vm: name)])
    let nobody = VMStop(matching: try NamePattern("nobody-.*"))
    let none = bench.receive(.stop([nobody]), id: "n")
    #expect(bench.answers(none) == [TaskResult(title: .vmStopped, id: "n")])
  }

  @Test("a pattern that comes before the first look at the hypervisor waits for it")
  func earlyPattern() throws {
    let everything = VMStop(matching: try NamePattern("nobody"))
    var bench = Workbench(hasInventory: false)
    let task = bench.receive(.stop([everything]))
    #expect(bench.answers(task).isEmpty)
    bench.handle(.inventoryTaken(Workbench.inventory))
    #expect(bench.answers(task).first?.entries.isEmpty == true)

    var lost = Workbench(hasInventory: false)
    let other = lost.receive(.stop([everything]))
    lost.handle(.hypervisorLost("gone"))
    #expect(lost.answers(other).first?.entries.first?.code == .hypervisorLost)
  }

  @Test("What a task leaves open is the configuration's, offline too")
  func offlineByDefault() {
    var machine = WorkerMachine(
      WorkerMachine.Configuration(host: "n1", epoch: 1, journal: "j", version: "1", migrationType: .offline))
    _ = machine.handle(.inventoryTaken(Workbench.inventory), at: Moment(uptime: .zero, unixTime: 0))
    let arrival = TaskArrival(sequence: 1, route: Workbench.route)
    let effects = machine.handle(
      .taskReceived(TaskMessage(id: "m", body: .migrate("a")), arrival), at: Moment(uptime: .zero, unixTime: 0))
    let order = MigrationOrder(vm: "a", destination: "n2", type: .offline, task: "m")
    #expect(effects == [.perform(OperationID(1), .migrate(order))])
  }
}
