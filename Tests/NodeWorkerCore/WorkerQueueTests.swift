import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("The order of a worker's operations")
struct WorkerQueueTests {
  @Test("one machine's operations run one after another in order of arrival, others beside them")
  func orderPerMachine() {
    var bench = Workbench()
    bench.receive(.suspend(["a"]))
    bench.receive(.resume(["a"]))
    bench.receive(.stop("b"))
    bench.receive(.stop("a"))
    #expect(bench.work == ["suspend a", "stop b"])
    bench.finish("b")
    #expect(bench.work == ["suspend a"])
    bench.finish("a")
    #expect(bench.work == ["resume a"])
    bench.finish("a")
    #expect(bench.work == ["stop a"])
  }

  @Test("no more starts and migrations run at once than allowed; the rest is not held up by them")
  func limits() {
    var bench = Workbench(starts: 2, migrations: 1)
    bench.receive(.start("a", "b", "c"))
    bench.receive(.migrate("d"))
    bench.receive(.migrate("e"))
    bench.receive(.stop("f", "g", "h"))
    #expect(bench.work == ["start a", "start b", "migrate d", "stop f", "stop g", "stop h"])
    bench.finish("a")
    #expect(bench.work.last == "start c")
    bench.finish("d")
    #expect(bench.work.last == "migrate e")
  }

  @Test("an operation that waits for a slot is not overtaken by a later one for its machine")
  func waitingForSlot() {
    var bench = Workbench(migrations: 1)
    bench.receive(.migrate("a"))
    bench.receive(.migrate("b"))
    bench.receive(.stop("b"))
    #expect(bench.work == ["migrate a"])
    bench.finish("a")
    #expect(bench.work == ["migrate b"])
    bench.finish("b")
    #expect(bench.work == ["stop b"])
  }

  @Test("an operation that is tried again keeps its place")
  func retryKeepsPlace() {
    var bench = Workbench()
    let migration = bench.receive(.migrate("a"))
    let stop = bench.receive(.stop("a"))
    bench.fail("a", mayPass: true)
    #expect(bench.work.isEmpty)
    bench.pass(.milliseconds(499))
    #expect(bench.work.isEmpty)
    bench.pass(.milliseconds(1))
    #expect(bench.work == ["migrate a"])
    bench.finish("a")
    #expect(bench.answers(migration).first?.entries == [VMOutcome(vm: "a", details: "1")])
    #expect(bench.work == ["stop a"] && bench.answers(stop).isEmpty)
  }

  @Test("pauses grow from half a second to half a minute; the last failure is the answer")
  func pauses() {
    var bench = Workbench()
    let task = bench.receive(.migrate("a", retries: 8))
    for pause in [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000] {
      bench.fail("a", mayPass: true)
      bench.pass(.milliseconds(pause - 1))
      #expect(bench.work.isEmpty)
      bench.pass(.milliseconds(1))
      #expect(bench.work == ["migrate a"])
    }
    bench.fail("a", mayPass: true)
    #expect(
      bench.answers(task) == [
        TaskResult(
          title: .vmMigrated, id: nil, entries: [VMOutcome(vm: "a", failure: .hypervisor, details: "cause")])
      ])
  }

  @Test("what cannot pass is not tried again, nor what is no migration, nor what is not allowed to")
  func noRetry() {
    var bench = Workbench()
    let first = bench.receive(.migrate("a"))
    bench.fail("a", .notFound)
    let second = bench.receive(.stop("b"))
    bench.fail("b", mayPass: true)
    let third = bench.receive(.migrate("c", retries: 0))
    bench.fail("c", mayPass: true)
    for task in [first, second, third] { #expect(bench.answers(task).count == 1) }
  }

  @Test("nothing is done before the hypervisor has been looked at")
  func firstInventory() {
    var bench = Workbench(hasInventory: false)
    bench.receive(.stop("a"))
    bench.receive(.resume(["a"]))
    #expect(bench.work.isEmpty)
    bench.handle(.inventoryTaken(Workbench.inventory))
    #expect(bench.work == ["stop a"])
  }

  @Test("if the hypervisor is known to be away, tasks are tried, and answered by what it says")
  func hypervisorAway() {
    var bench = Workbench(hasInventory: false)
    let task = bench.receive(.stop("a"))
    bench.handle(.hypervisorLost("refused"))
    #expect(bench.work == ["stop a"])
    bench.fail("a", .hypervisorLost)
    #expect(bench.answers(task).first?.entries.map(\.code) == [.hypervisorLost])
  }

  // MARK: Stale events

  @Test("the end of an operation that comes twice")
  func endTwice() {
    var bench = Workbench()
    let task = bench.receive(.stop("a"))
    let id = bench.running[0].id
    bench.finish("a")
    bench.handle(.operationFinished(id, .failure(.hypervisor, "again", mayPass: true)))
    #expect(bench.answers(task).count == 1 && bench.work.isEmpty)
  }

  @Test("the end of an operation that comes again during the pause before its next attempt")
  func endDuringPause() {
    var bench = Workbench()
    let task = bench.receive(.migrate("a"))
    let id = bench.running[0].id
    bench.fail("a", mayPass: true)
    bench.handle(.operationFinished(id, .failure(.hypervisor, "again", mayPass: true)))
    bench.pass(.seconds(10))
    #expect(bench.work == ["migrate a"], "tried once more, not twice")
    bench.finish("a")
    #expect(bench.answers(task).first?.entries.first?.details == "1")
  }

  @Test("a timer of an attempt that runs, or of an operation that has ended")
  func staleTimer() {
    var bench = Workbench()
    bench.receive(.migrate("a"))
    let id = bench.running[0].id
    bench.handle(.timerFired(.retry(id)))
    #expect(bench.work == ["migrate a"])
    bench.finish("a")
    bench.handle(.timerFired(.retry(id)))
    #expect(bench.work.isEmpty)
  }

  @Test("progress of what runs is published, that of what has ended is not")
  func progress() {
    var bench = Workbench()
    bench.receive(.migrate("a"))
    let id = bench.running[0].id
    let progress = MigrationProgress(vm: "a", task: nil, destination: "n2", phase: .copying)
    bench.handle(.migrationProgressed(id, progress))
    #expect(bench.effects.last == .publishProgress(progress))
    bench.finish("a")
    let count = bench.effects.count
    bench.handle(.migrationProgressed(id, progress))
    #expect(bench.effects.count == count)
  }
}
