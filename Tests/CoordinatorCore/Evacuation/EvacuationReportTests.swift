import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("What an evacuation tells")
struct EvacuationReportTests {
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
    _ = evacuation.machine.withMigration(of: "uuid-b") { migration in
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

  @Test("the first bytes promise nothing")
  func firstBytes() {
    var evacuation = Evacuation(["a"])
    _ = evacuation.machine.withMigration(of: "uuid-a") { migration in
      migration.start(as: "x", at: Evacuation.time(0))
      migration.update(
        MigrationProgress(vm: "a", task: "x", destination: "n2", phase: .copying, doneBytes: 10 << 20))
    }
    #expect(evacuation.machine.report(at: Evacuation.time(1)).remainingSeconds == nil)
  }

  @Test("a copy that reports more bytes than the machine has does not make time run backwards")
  func oversizedProgress() throws {
    var evacuation = Evacuation(["a", "b"])
    _ = evacuation.machine.withMigration(of: "uuid-a") { migration in
      migration.start(as: "x", at: Evacuation.time(0))
      migration.update(
        MigrationProgress(vm: "a", task: "x", destination: "n2", phase: .copying, doneBytes: 1 << 40))
    }
    let remaining = try #require(evacuation.machine.report(at: Evacuation.time(4)).remainingSeconds)
    #expect(abs(remaining - 4) < 1e-9)
  }
}
