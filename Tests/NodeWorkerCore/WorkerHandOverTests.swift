import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("Tasks that the worker hands to the coordinator")
struct WorkerHandOverTests {
  private static let evacuation = TaskMessage.Body.evacuate(NodeEvacuation(destinations: ["n2"]))
  private static let gone =
    "the coordinator went away before it answered; migrations that had begun are finished by the workers. "
    + "See 'migfra vms', start migfra-coordinator, then send the task again"
  private static let restarted =
    "the coordinator was restarted before it answered; what it had begun was finished by the workers. "
    + "See 'migfra vms', then send the task again"
  private static let none =
    "'evacuate node' needs the coordinator, and none is online: start migfra-coordinator, then send the task again"

  private func bench(_ isOnline: Bool?, epoch: Epoch = 3) -> Workbench {
    var bench = Workbench()
    if let isOnline { bench.handle(.coordinatorReported(CoordinatorReport(isOnline: isOnline, epoch: epoch))) }
    return bench
  }

  private func refusal(_ details: String) -> TaskResult {
    TaskResult(title: .nodeEvacuated, id: "t", status: .error, details: details, code: .noCoordinator)
  }

  private func reply(to id: TaskID?) -> TaskResult {
    TaskResult(
      title: .nodeEvacuated, id: id, scheduler: "global", entries: [VMOutcome(vm: "a", details: "0")],
      status: .success, details: "1 moved", plan: "p1")
  }

  @Test(
    "the coordinator gets the task under another id, and its answer goes out with the caller's",
    arguments: [evacuation, .cordon(reason: "fan"), .uncordon])
  func handOver(body: TaskMessage.Body) {
    var bench = bench(true)
    let task = bench.receive(TaskMessage(id: "t", host: "elsewhere", body: body, measuresTime: true))
    #expect(
      bench.handedOver == [TaskMessage(id: "handover/n1/j/1", host: "n1", body: body, measuresTime: true)])
    #expect(bench.answers(task).isEmpty && bench.work.isEmpty)
    bench.handle(.coordinatorAnswered(reply(to: "handover/n1/j/1")))
    #expect(bench.answers(task) == [reply(to: "t")])
  }

  @Test("a task without an id is answered without one")
  func withoutID() {
    var bench = bench(true)
    let task = bench.receive(Self.evacuation)
    bench.handle(.coordinatorAnswered(reply(to: "handover/n1/j/1")))
    #expect(bench.answers(task) == [reply(to: nil)])
  }

  @Test("keys without meaning are told in the answer's details")
  func warnings() {
    var bench = bench(true)
    let task = bench.receive(TaskMessage(id: "t", body: Self.evacuation, warnings: ["unknown key 'x'"]))
    #expect(bench.handedOver.first?.warnings == [])
    bench.handle(.coordinatorAnswered(reply(to: "handover/n1/j/1")))
    #expect(bench.answers(task).first?.details == "1 moved; unknown key 'x'")
  }

  @Test("the coordinator can read the id, however long the host's name is")
  func longHostName() throws {
    let host = HostName(rawValue: String(repeating: "n", count: 253))
    var machine = WorkerMachine(
      WorkerMachine.Configuration(host: host, epoch: .max, journal: "3w5e11264sgsf", version: "1"))
    let now = Moment(uptime: .zero, unixTime: 0)
    _ = machine.handle(.coordinatorReported(CoordinatorReport(isOnline: true, epoch: 3)), at: now)
    let effects = machine.handle(
      .taskReceived(
        TaskMessage(id: "t", body: Self.evacuation), TaskArrival(sequence: .max, route: Workbench.route)), at: now)
    guard case .handOver(let task) = try #require(effects.first) else {
      Issue.record("not handed over: \(effects)")
      return
    }
    #expect(try TaskMessage.decode(task.encoded()) == task)
  }

  // MARK: No coordinator

  @Test("no coordinator online: refused at once")
  func offline() {
    var bench = bench(false)
    let task = bench.receive(Self.evacuation, id: "t")
    #expect(bench.answers(task) == [refusal(Self.none)] && bench.handedOver.isEmpty)
  }

  @Test("nothing known of a coordinator yet: refused after 3 s")
  func unknown() {
    var bench = bench(nil)
    let task = bench.receive(Self.evacuation, id: "t")
    bench.pass(.milliseconds(2999))
    #expect(bench.answers(task).isEmpty)
    bench.pass(.milliseconds(1))
    #expect(bench.answers(task) == [refusal(Self.none)])
  }

  @Test("unknown, then it appears")
  func appears() {
    var bench = bench(nil)
    let task = bench.receive(Self.evacuation, id: "t")
    bench.pass(.seconds(2))
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: true, epoch: 3)))
    #expect(bench.handedOver.map(\.id) == ["handover/n1/j/1"])
    bench.pass(.seconds(60))
    #expect(bench.answers(task).isEmpty)
    bench.handle(.coordinatorAnswered(reply(to: "handover/n1/j/1")))
    #expect(bench.answers(task) == [reply(to: "t")])
  }

  @Test("unknown, then it is known to be offline, then it appears in time")
  func appearsAfterWill() {
    var bench = bench(nil)
    let task = bench.receive(Self.evacuation, id: "t")
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 2)))
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: true, epoch: 3)))
    #expect(bench.handedOver.count == 1)
    bench.pass(.seconds(60))
    #expect(bench.answers(task).isEmpty)
  }

  @Test("unknown: a second task's patience is its own")
  func twoUnknown() {
    var bench = bench(nil)
    let first = bench.receive(Self.evacuation, id: "t")
    bench.pass(.seconds(2))
    let second = bench.receive(.uncordon, id: "u")
    bench.pass(.seconds(1))
    #expect(bench.answers(first).count == 1 && bench.answers(second).isEmpty)
    bench.pass(.seconds(2))
    #expect(bench.answers(second).count == 1)
  }

  @Test("nobody has ever listened to the coordinator's tasks: refused at once")
  func undeliverable() {
    var bench = bench(true)
    let task = bench.receive(Self.evacuation, id: "t")
    bench.handle(.handOverUndeliverable("handover/n1/j/1"))
    bench.handle(.handOverUndeliverable("handover/n1/j/1"))
    #expect(bench.answers(task) == [refusal("no coordinator listens; start migfra-coordinator")])
  }

  // MARK: A coordinator that goes

  @Test("it goes, and comes back in time: the same incarnation still has the task")
  func backInTime() {
    var bench = bench(true)
    let task = bench.receive(Self.evacuation, id: "t")
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 3)))
    bench.pass(.seconds(2))
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: true, epoch: 3)))
    bench.pass(.seconds(60))
    #expect(bench.answers(task).isEmpty && bench.handedOver.count == 1)
    bench.handle(.coordinatorAnswered(reply(to: "handover/n1/j/1")))
    #expect(bench.answers(task) == [reply(to: "t")])
  }

  @Test("it goes while it exchanges machines, and stays away: the answer names what may be saved")
  func awayDuringExchange() {
    var bench = bench(true)
    let wish = VMMigration(vm: "a", destination: "n2", partner: SwapPartner(vm: "b"))
    let task = bench.receive(.migrate(wish), id: "t")
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 3)))
    bench.pass(.seconds(60))
    let details = bench.answers(task).first?.entries.first?.details ?? ""
    #expect(details.contains("went away") && details.contains("a or b may be saved"), "\(details)")
  }

  @Test("it goes, and stays away")
  func goesAway() {
    var bench = bench(true)
    let task = bench.receive(Self.evacuation, id: "t")
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 3)))
    bench.pass(.seconds(3))
    #expect(bench.answers(task) == [refusal(Self.gone)])
  }

  @Test("it goes twice: the first absence's timer does not end the second")
  func goesTwice() {
    var bench = bench(true)
    let task = bench.receive(Self.evacuation, id: "t")
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 3)))
    bench.pass(.seconds(2))
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: true, epoch: 3)))
    bench.pass(.milliseconds(900))
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 3)))
    bench.pass(.seconds(2))
    #expect(bench.answers(task).isEmpty)
    bench.pass(.seconds(1))
    #expect(bench.answers(task).count == 1)
  }

  @Test("its will comes again while it is away: patience is not prolonged")
  func willTwice() {
    var bench = bench(true)
    let task = bench.receive(Self.evacuation, id: "t")
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 3)))
    bench.pass(.seconds(2))
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 3)))
    bench.pass(.seconds(1))
    #expect(bench.answers(task).count == 1)
  }

  @Test("another incarnation answers for nothing that the earlier one had", arguments: [true, false])
  func restarted(isSeenOffline: Bool) {
    var bench = bench(true)
    let task = bench.receive(Self.evacuation, id: "t")
    if isSeenOffline { bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 3))) }
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: true, epoch: 4)))
    #expect(bench.answers(task) == [refusal(Self.restarted)])
    bench.pass(.seconds(60))
    #expect(bench.answers(task).count == 1 && bench.handedOver.count == 1)
  }

  @Test("its successor is only ever seen to be gone")
  func successorUnseen() {
    var bench = bench(true)
    let task = bench.receive(Self.evacuation, id: "t")
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 4)))
    bench.pass(.seconds(3))
    #expect(bench.answers(task) == [refusal(Self.gone)])
  }

  @Test("the will of an incarnation that has a successor")
  func lateWill() {
    var bench = bench(true)
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 2)))
    bench.receive(Self.evacuation, id: "t")
    #expect(bench.handedOver.count == 1)
  }

  // MARK: Replies

  @Test("a reply that comes late, or twice, is not passed on")
  func lateReply() {
    var bench = bench(true)
    let task = bench.receive(Self.evacuation, id: "t")
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 3)))
    bench.pass(.seconds(3))
    bench.handle(.coordinatorAnswered(reply(to: "handover/n1/j/1")))
    #expect(bench.answers(task) == [refusal(Self.gone)])
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: true, epoch: 4)))
    let second = bench.receive(Self.evacuation, id: "u")
    for _ in 0..<2 { bench.handle(.coordinatorAnswered(reply(to: "handover/n1/j/2"))) }
    #expect(bench.answers(second) == [reply(to: "u")])
    bench.handle(.coordinatorAnswered(reply(to: nil)))
    bench.handle(.coordinatorAnswered(reply(to: "handover/n1/other/1")))
    #expect(bench.answers(task).count == 1 && bench.answers(second).count == 1)
  }

  @Test("a task that comes twice is handed over once, and its answer is repeated afterwards")
  func repeated() {
    var bench = bench(true)
    let first = bench.receive(Self.evacuation, id: "t")
    let second = bench.receive(Self.evacuation, id: "t")
    #expect(bench.handedOver.count == 1)
    bench.handle(.coordinatorAnswered(reply(to: "handover/n1/j/1")))
    let third = bench.receive(Self.evacuation, id: "t")
    #expect(bench.answers(first).count == 1 && bench.answers(second).isEmpty)
    #expect(bench.answers(third) == [reply(to: "t")])
  }

  @Test("a task that is too old, or asks for what cannot be had, is not handed over")
  func refused() {
    var bench = bench(true)
    let old = bench.receive(TaskMessage(id: "t", body: Self.evacuation, notAfter: 999_000))
    let unsupported = bench.receive(TaskMessage(id: "u", body: Self.evacuation, driver: "xen"))
    #expect(bench.answers(old).map(\.code) == [.expired] && bench.answers(old).map(\.status) == [.error])
    #expect(bench.answers(unsupported).map(\.code) == [.unsupported])
    #expect(bench.handedOver.isEmpty)
  }
}
