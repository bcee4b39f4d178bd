import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("Jobs that a killed worker has left")
struct JobRecallTests {
  private static let processes = SuspendedJob.Audience.processes(["1", "2"])

  /// A worker that was killed when the job of a was so far; its task comes again if it had not been answered.
  private func bench(isClosed: Bool, recallsTask: Bool) -> Workbench {
    var bench = Workbench(jobs: [SuspendedJob(vm: "a", audience: Self.processes, isClosed: isClosed)])
    if recallsTask { bench.recall(TaskMessage(id: "t", body: .migrate("a", hook: .count(2)))) }
    bench.handle(.recallEnded)
    bench.connect()
    bench.announce("1", "2")
    return bench
  }

  @Test("closed, the machine on its way or not: the migration is judged first, then the job is opened, then answered")
  func closed() {
    var bench = bench(isClosed: true, recallsTask: true)
    #expect(bench.work == ["migrate a"] && bench.asked == [])
    bench.finish("a")
    #expect(bench.asked == ["resume a 1 2"] && bench.answers(1) == [])
    bench.answer(.resume, "1", "2")
    #expect(bench.answers(1).count == 1)
  }

  @Test("still closing: all go on, and the migration begins anew")
  func closing() {
    var bench = bench(isClosed: false, recallsTask: true)
    #expect(bench.asked == ["resume a 1 2"] && bench.work == [])
    bench.answer(.resume, "1", "2")
    #expect(bench.work == ["examine a"])
    bench.finish("a", .ready)
    #expect(bench.asked == ["resume a 1 2", "suspend a 1 2"])
  }

  @Test("without a task that will open it: it is opened at once", arguments: [true, false])
  func abandoned(isClosed: Bool) {
    var bench = bench(isClosed: isClosed, recallsTask: false)
    #expect(bench.asked == ["resume a 1 2"])
    bench.handle(.processesAsked("a", .resume))
    bench.answer(.resume, "1", "2")
    #expect(bench.effects.contains(.forgetJob("a")))
  }

  @Test("a new migration of the machine waits until the abandoned job is open")
  func newTask() {
    var bench = bench(isClosed: true, recallsTask: false)
    bench.receive(.migrate("a", hook: .count(2)))
    #expect(bench.work == [])
    bench.answer(.resume, "1", "2")
    #expect(bench.work == ["examine a"])
  }

  @Test("an order that came too late only looks where the machine is, and opens what it finds closed")
  func expired() {
    var bench = Workbench(jobs: [SuspendedJob(vm: "a", audience: Self.processes, isClosed: true)])
    bench.recall(TaskMessage(id: "t", body: .migrate("a", hook: .count(2)), notAfter: 10))
    bench.handle(.recallEnded)
    guard case .migrate(let order)? = bench.running.first?.operation else {
      Issue.record("not performed: \(bench.effects)")
      return
    }
    #expect(!order.mayBegin)
    bench.fail("a", .expired)
    #expect(bench.asked == ["resume a 1 2"])
  }
}
