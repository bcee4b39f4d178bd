import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("One host being emptied")
struct EvacuationMachineTests {
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
    evacuation.machine.failAll(from: "n1", .noWorker, details: "lost")
    #expect(evacuation.settle(at: 1) == .over)
    #expect(evacuation.machine.state == .failed)
    let answer = evacuation.answer()
    #expect(answer.entries.map(\.code) == [.exists, .noWorker])
    #expect(answer.entries.map(\.details) == ["cause", "lost"])
  }
}
