import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("One host being emptied")
struct EvacuationMachineTests {
  /// An evacuation of `n1` with machines a, b, … to n2, and what the two hosts report.
  private struct Evacuation {
    var machine: EvacuationMachine
    var roster = WorkerRoster()
    private var sequence = 0

    init(_ vms: [VMName], unplaced: [VMName] = [], measuresTime: Bool = false) {
      let plan = Plan(
        moves: vms.map { Plan.Move(vm: .sample($0), source: "n1", destination: "n2") },
        unplaced: unplaced.map {
          Plan.Unplaced(vm: .sample($0), source: "n1", cause: .memory, details: "no room for \($0)")
        })
      let task = TaskMessage(id: "t", host: "n1", body: .evacuate(NodeEvacuation()), measuresTime: measuresTime)
      machine = EvacuationMachine(
        id: "p1", task: task, request: EvacuationRequest(source: "n1"), plan: plan,
        route: Coordination.route, at: Self.time(0))
      report("n1", vms + unplaced)
      report("n2", [])
    }

    static func time(_ seconds: Int) -> Moment { Moment(uptime: .seconds(seconds), unixTime: Double(seconds)) }

    mutating func report(_ host: HostName, _ names: [VMName], arriving: [VMName] = []) {
      sequence += 1
      let vms =
        names.map { VirtualMachine.sample($0, processID: 42) } + arriving.map { .sample($0, state: .arriving) }
      _ = roster.update(
        HostReport(
          host: host, presence: .online, epoch: 1, sequence: sequence, capacity: .sample(16, 16), vms: vms))
    }

    mutating func lose(_ host: HostName) {
      _ = roster.update(HostReport(host: host, presence: .offline, epoch: 1))
    }

    mutating func finish(_ vm: VMName, _ code: ErrorCode? = nil, at seconds: Int = 1) {
      let outcome =
        code.map { VMOutcome(vm: vm, failure: $0, details: "cause") }
        ?? VMOutcome(vm: vm, times: [TimeMeasurement("migrate", seconds: 1)])
      _ = machine.withMigration(of: vm) { migration in
        migration.start(as: "x", at: Self.time(0))
        _ = migration.finish("x", with: outcome, at: Self.time(seconds))
      }
    }

    mutating func settle(at seconds: Int) -> EvacuationMachine.Settlement {
      machine.settle(with: roster, at: Self.time(seconds))
    }

    func answer(at seconds: Int = 5) -> TaskResult { machine.answer(with: roster, at: Self.time(seconds)) }
  }

  @Test("reports before answers: over with the last answer")
  func reportsFirst() {
    var evacuation = Evacuation(["a", "b"])
    #expect(evacuation.settle(at: 0) == .moving)
    evacuation.report("n2", ["a", "b"])
    evacuation.report("n1", [])
    #expect(evacuation.settle(at: 1) == .moving)
    evacuation.finish("a")
    #expect(evacuation.settle(at: 2) == .moving)
    evacuation.finish("b")
    #expect(evacuation.settle(at: 3) == .over)
    #expect(evacuation.machine.state == .drained && evacuation.machine.reason == "2 moved")
    #expect(evacuation.settle(at: 4) == .over)
  }

  @Test("answers before reports: over when both ends have reported, and not before")
  func answersFirst() {
    var evacuation = Evacuation(["a"])
    evacuation.finish("a")
    #expect(evacuation.settle(at: 1) == .waitingForReports(isNew: true))
    #expect(evacuation.settle(at: 2) == .waitingForReports(isNew: false))
    evacuation.report("n1", [])
    #expect(evacuation.settle(at: 3) == .waitingForReports(isNew: false))
    evacuation.report("n2", [], arriving: ["a"])
    #expect(evacuation.settle(at: 4) == .waitingForReports(isNew: false))
    evacuation.report("n2", ["a"])
    #expect(evacuation.settle(at: 5) == .over)
    #expect(evacuation.machine.state == .drained)
  }

  @Test("a machine that went on to a third host has arrived")
  func movedOn() {
    var evacuation = Evacuation(["a"])
    evacuation.finish("a")
    evacuation.report("n1", [])
    evacuation.report("n3", ["a"])
    #expect(evacuation.settle(at: 1) == .over)
    #expect(evacuation.machine.state == .drained)
  }

  @Test("patience with a destination that does not report ends after 10 s; the source's word is enough")
  func silentDestination() {
    var evacuation = Evacuation(["a"])
    evacuation.finish("a")
    evacuation.report("n1", [])
    #expect(evacuation.settle(at: 1) == .waitingForReports(isNew: true))
    #expect(evacuation.settle(at: 10) == .waitingForReports(isNew: false))
    #expect(evacuation.settle(at: 11) == .over)
    #expect(evacuation.machine.state == .drained)
  }

  @Test("a host that still reports a machine is not drained, and the ghost is named")
  func ghost() {
    var evacuation = Evacuation(["a", "b"])
    evacuation.finish("a")
    evacuation.finish("b")
    evacuation.report("n2", ["a", "b"])
    evacuation.report("n1", ["b"])
    #expect(evacuation.settle(at: 1) == .waitingForReports(isNew: true))
    #expect(evacuation.settle(at: 11) == .over)
    #expect(evacuation.machine.state == .partial)
    #expect(evacuation.machine.reason == "2 moved, 0 stayed; n1 still reports b")
    #expect(evacuation.answer().status == .partial)
  }

  @Test("a host where a machine is arriving is not drained")
  func arrivingGhost() {
    var evacuation = Evacuation(["a"])
    evacuation.finish("a")
    evacuation.report("n2", ["a"])
    evacuation.report("n1", [], arriving: ["x"])
    #expect(evacuation.settle(at: 1) == .waitingForReports(isNew: true))
    evacuation.report("n1", [])
    #expect(evacuation.settle(at: 2) == .over)
    #expect(evacuation.machine.state == .drained)
  }

  @Test("patience begins anew when another machine has joined meanwhile")
  func patienceBeginsAnew() {
    var evacuation = Evacuation(["a"])
    evacuation.finish("a")
    #expect(evacuation.settle(at: 1) == .waitingForReports(isNew: true))
    evacuation.machine.join(Plan(moves: [Plan.Move(vm: .sample("late"), source: "n1", destination: "n2")]))
    #expect(evacuation.settle(at: 8) == .moving)
    evacuation.finish("late", at: 9)
    #expect(evacuation.settle(at: 11) == .waitingForReports(isNew: true))
    #expect(evacuation.settle(at: 20) == .waitingForReports(isNew: false))
    #expect(evacuation.settle(at: 21) == .over)
  }

  @Test("nothing to move is drained at once")
  func empty() {
    var evacuation = Evacuation([])
    #expect(evacuation.settle(at: 0) == .over)
    #expect(evacuation.machine.state == .drained && evacuation.machine.reason == "there was nothing to move")
    let answer = evacuation.answer()
    #expect(answer.status == .success && answer.entries.isEmpty)
  }

  @Test("a machine that stayed makes it partial, and all that stayed make it failed")
  func stayed() {
    var evacuation = Evacuation(["a", "b"])
    evacuation.report("n2", ["a"])
    evacuation.report("n1", ["b"])
    evacuation.finish("a")
    evacuation.finish("b", .wrongState)
    #expect(evacuation.settle(at: 1) == .waitingForReports(isNew: true), "its worker says it does not run")
    var other = Evacuation(["a", "b"])
    other.report("n2", ["a"])
    other.report("n1", ["b"])
    other.finish("a")
    other.finish("b", .exists)
    #expect(other.settle(at: 1) == .over)
    #expect(other.machine.state == .partial && other.machine.reason == "1 moved, 1 stayed")
    var failed = Evacuation(["a"])
    failed.finish("a", .exists)
    #expect(failed.settle(at: 1) == .over)
    #expect(failed.machine.state == .failed && failed.machine.reason == "0 moved, 1 stayed")
    #expect(failed.answer().status == .error)
  }

  @Test("a host whose last machine was shut down meanwhile is drained", arguments: [ErrorCode.wrongState, .notFound])
  func endedMeanwhile(code: ErrorCode) {
    var evacuation = Evacuation(["a", "b"], unplaced: ["c"])
    evacuation.report("n2", ["a"])
    evacuation.finish("a")
    evacuation.finish("b", code)
    evacuation.report("n1", ["b"])
    #expect(evacuation.settle(at: 1) == .waitingForReports(isNew: true), "the report lags behind the answer")
    evacuation.report("n1", [])
    #expect(evacuation.settle(at: 2) == .over)
    #expect(evacuation.machine.state == .drained && evacuation.machine.reason == "1 moved, 2 ended meanwhile")
    let answer = evacuation.answer()
    #expect(answer.status == .success)
    #expect(answer.entries.map(\.isSuccess) == [true, false, false])
  }

  @Test(
    "a machine of which nobody knows where it is keeps a host from being drained",
    arguments: [ErrorCode.inDoubt, .noWorker])
  func inDoubt(code: ErrorCode) {
    var evacuation = Evacuation(["a"])
    evacuation.finish("a", code)
    evacuation.report("n1", [])
    #expect(evacuation.settle(at: 1) == .over)
    #expect(evacuation.machine.state == .failed && evacuation.machine.reason == "0 moved, 0 stayed, 1 in doubt")
  }

  @Test("a worker that is away for a moment at the end does not make it partial")
  func sourceAway() {
    var evacuation = Evacuation(["a"])
    evacuation.report("n2", ["a"])
    evacuation.report("n1", [])
    evacuation.lose("n1")
    evacuation.finish("a")
    #expect(evacuation.settle(at: 1) == .waitingForReports(isNew: true))
    evacuation.report("n1", [])
    #expect(evacuation.settle(at: 5) == .over)
    #expect(evacuation.machine.state == .drained)
  }

  @Test("a worker that stays away at the end makes it partial: nobody says that the host is empty")
  func sourceLost() {
    var evacuation = Evacuation(["a"])
    evacuation.report("n2", ["a"])
    evacuation.report("n1", [])
    evacuation.lose("n1")
    evacuation.finish("a")
    #expect(evacuation.settle(at: 1) == .waitingForReports(isNew: true))
    #expect(evacuation.settle(at: 11) == .over)
    #expect(evacuation.machine.state == .partial)
    #expect(evacuation.machine.reason == "1 moved, 0 stayed; the worker of n1 is offline")
  }

  @Test("everything given up: over at once, each machine with its cause")
  func givenUp() {
    var evacuation = Evacuation(["a", "b"])
    evacuation.finish("a", .exists)
    evacuation.lose("n1")
    evacuation.machine.failAll(.noWorker, details: "lost")
    #expect(evacuation.settle(at: 1) == .over)
    #expect(evacuation.machine.state == .failed)
    let answer = evacuation.answer()
    #expect(answer.entries.map(\.code) == [.exists, .noWorker])
    #expect(answer.entries.map(\.details) == ["cause", "lost"])
  }

  @Test("the answer has the seed's shape: each machine, its retries or its cause, its process, its times")
  func answerShape() {
    var evacuation = Evacuation(["a", "b"], unplaced: ["c"], measuresTime: true)
    evacuation.report("n2", ["a"])
    evacuation.report("n1", ["b", "c"])
    evacuation.finish("a")
    evacuation.finish("b", .exists)
    _ = evacuation.settle(at: 2)
    let expected = TaskResult(
      title: .nodeEvacuated, id: "t", scheduler: "global",
      entries: [
        VMOutcome(vm: "a", details: "0", processID: 42, times: [TimeMeasurement("migrate", seconds: 1)]),
        VMOutcome(vm: "b", failure: .exists, details: "cause"),
        VMOutcome(vm: "c", failure: .capacity, details: "no room for c"),
      ], status: .partial, details: "1 moved, 2 stayed", plan: "p1",
      times: [TimeMeasurement("overall", seconds: 5)])
    #expect(evacuation.answer(at: 5) == expected)
    var silent = Evacuation(["a"])
    silent.report("n2", ["a"])
    silent.report("n1", [])
    silent.finish("a")
    _ = silent.settle(at: 2)
    #expect(silent.answer().times.isEmpty && silent.answer().entries.allSatisfy(\.times.isEmpty))
  }

  @Test("the report says how far each machine is, and how long it will take")
  func report() throws {
    var evacuation = Evacuation(["a", "b", "c"], unplaced: ["d"])
    #expect(evacuation.machine.report(at: Evacuation.time(0)).remainingSeconds == nil, "nothing is known yet")
    evacuation.finish("a", at: 2)
    _ = evacuation.machine.withMigration(of: "b") { migration in
      migration.start(as: "x", at: Evacuation.time(2))
      migration.update(
        MigrationProgress(vm: "b", task: "x", destination: "n2", phase: .copying, doneBytes: 1 << 29))
    }
    let report = evacuation.machine.report(at: Evacuation.time(3))
    #expect(report.moves.map(\.state) == [.moved, .moving, .waiting])
    #expect(report.moves.map(\.seconds) == [2, 1, nil])
    #expect(report.unplaced.map(\.vm.name) == ["d"])
    #expect((report.state, report.seconds, report.task) == (.draining, 3, "t"))
    // One and a half of three gigabytes in three seconds: as long again.
    let remaining = try #require(report.remainingSeconds)
    #expect(abs(remaining - 3) < 1e-9)
  }

  @Test("a copy that reports more bytes than the machine has does not make time run backwards")
  func oversizedProgress() throws {
    var evacuation = Evacuation(["a", "b"])
    _ = evacuation.machine.withMigration(of: "a") { migration in
      migration.start(as: "x", at: Evacuation.time(0))
      migration.update(
        MigrationProgress(vm: "a", task: "x", destination: "n2", phase: .copying, doneBytes: 1 << 40))
    }
    let remaining = try #require(evacuation.machine.report(at: Evacuation.time(4)).remainingSeconds)
    #expect(abs(remaining - 4) < 1e-9)
  }
}
