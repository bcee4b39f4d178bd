import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("The connections of a job around a migration")
struct JobTests {
  /// A worker that has heard of processes 1 and 2 of machine a, and examines it.
  private func examining(hook: HookProcesses = .count(2), retries: Int = 0) -> (Workbench, Int64) {
    var bench = Workbench()
    bench.connect()
    bench.announce("1", "2")
    let task = bench.receive(.migrate("a", retries: retries, hook: hook), id: "t")
    return (bench, task)
  }

  @Test("are closed by each process before, and opened by each after; the answer comes last")
  func whole() {
    var (bench, task) = examining()
    #expect(bench.work == ["examine a"] && bench.asked == [])
    bench.finish("a", .ready)
    #expect(bench.asked == ["suspend a 1 2"] && bench.work == [])
    bench.answer(.suspend, "1")
    #expect(bench.work == [])
    bench.answer(.suspend, "2")
    #expect(bench.work == ["migrate a"])
    bench.finish("a")
    #expect(bench.asked.last == "resume a 1 2" && bench.answers(task) == [])
    bench.handle(.processesAsked("a", .resume))
    bench.answer(.resume, "1", "2")
    #expect(bench.answers(task).first?.entries == [VMOutcome(vm: "a", details: "0")])
    #expect(bench.effects.contains(.forgetJob("a")))
  }

  @Test("their times are told with the tags of the C++ program")
  func times() {
    var bench = Workbench()
    bench.connect()
    bench.announce("1")
    let task = bench.receive(TaskMessage(body: .migrate("a", hook: .announced), measuresTime: true))
    bench.finish("a", .ready)
    bench.pass(.seconds(2))
    bench.answer(nil, "1")
    bench.finish("a", .success(vm: "a", times: [TimeMeasurement("migrate", seconds: 1)]))
    bench.pass(.seconds(1))
    bench.answer(.resume, "1")
    #expect(
      bench.answers(task).first?.entries.first?.times == [
        TimeMeasurement("overall", seconds: 3), TimeMeasurement("pscom-suspend-a", seconds: 2),
        TimeMeasurement("migrate", seconds: 1), TimeMeasurement("pscom-resume-a", seconds: 1),
      ])
  }

  @Test("are not touched when the machine could not move anyway")
  func examinedInVain() {
    var (bench, task) = examining()
    bench.fail("a", .exists)
    #expect(bench.asked == [] && bench.answers(task).first?.entries.first?.code == .exists)
  }

  @Test("are on disk before the first process is asked; a full disk disturbs nobody")
  func fullDisk() {
    var (bench, task) = examining()
    bench.journalFlaw = "disk full"
    bench.finish("a", .ready)
    #expect(bench.asked == [] && bench.work == [])
    #expect(bench.answers(task).first?.entries.first?.code == .internal)
  }

  @Test("one process is silent: all go on, and nothing moves")
  func silence() {
    var (bench, task) = examining(retries: 3)
    bench.finish("a", .ready)
    bench.answer(.suspend, "1", "1", "3")
    bench.pass(.seconds(10))
    #expect(bench.asked == ["suspend a 1 2", "resume a 1 2"] && bench.work == [])
    bench.answer(.resume, "1", "2")
    let entry = bench.answers(task).first?.entries.first
    #expect(entry?.code == .pscom)
    #expect(entry?.details?.contains("1 of 2 processes did not answer (2) within 10 s") == true)
  }

  @Test("one process refuses: all go on at once, with its words")
  func refusal() {
    var (bench, task) = examining()
    bench.finish("a", .ready)
    bench.handle(.processAnswered("a", process: "2", PscomAnswer(.suspend, isSuccess: false, details: "no such pid")))
    #expect(bench.asked.last == "resume a 1 2")
    bench.answer(.resume, "1", "2")
    #expect(bench.answers(task).first?.entries.first?.details?.contains("process 2: no such pid") == true)
  }

  @Test("a process that ends while it is asked has no connections")
  func endedProcess() {
    var (bench, _) = examining()
    bench.finish("a", .ready)
    bench.answer(.suspend, "1")
    bench.handle(.processReported("a", process: "2", nil))
    #expect(bench.work == ["migrate a"])
  }

  @Test("stay closed between two attempts, and are opened when all have failed")
  func retries() {
    var (bench, task) = examining(retries: 1)
    bench.finish("a", .ready)
    bench.answer(.suspend, "1", "2")
    bench.fail("a", mayPass: true)
    bench.pass(.seconds(1))
    #expect(bench.work == ["migrate a"] && bench.asked == ["suspend a 1 2"])
    bench.fail("a", mayPass: true)
    #expect(bench.asked.last == "resume a 1 2" && bench.answers(task) == [])
    bench.answer(.resume, "1", "2")
    #expect(bench.answers(task).first?.entries.first?.isSuccess == false)
  }

  @Test("fewer are known than the task says: all are asked at once, nobody by name, and the answers are counted")
  func broadcast() {
    var (bench, task) = examining(hook: .count(3))
    bench.finish("a", .ready)
    #expect(bench.asked == ["suspend a any"])
    bench.answer(nil, "1", "1", "2")
    #expect(bench.work == [])
    bench.answer(nil, "7")
    #expect(bench.work == ["migrate a"])
    bench.finish("a")
    #expect(bench.asked.last == "resume a any")
    // Processes that nobody knows by name need not answer; that the broker has the request is enough.
    bench.handle(.processesAsked("a", .resume))
    #expect(bench.answers(task).count == 1)
  }

  @Test("auto means those that have announced themselves; none: nobody is asked")
  func announced() {
    var (bench, _) = examining(hook: .announced)
    bench.finish("a", .ready)
    #expect(bench.asked == ["suspend a 1 2"])
    var other = Workbench()
    other.connect()
    other.receive(.migrate("a", hook: .announced))
    other.finish("a", .ready)
    #expect(other.work == ["migrate a"] && other.asked == [])
  }

  @Test("a worker that has just connected waits for what the broker keeps, however slow it is")
  func freshConnection() {
    var bench = Workbench()
    bench.receive(.migrate("a", hook: .announced))
    #expect(bench.work == [])
    bench.handle(.busConnected)
    #expect(bench.effects.contains(.echo))
    bench.pass(.seconds(60))
    #expect(bench.work == [])
    bench.announce("1")
    bench.handle(.caughtUp)
    #expect(bench.work == ["examine a"])
  }

  @Test("a worker that is killed after it told a job to go on does not take it for closed at its next start")
  func killedWhileOpening() {
    var (bench, _) = examining()
    bench.finish("a", .ready)
    bench.answer(.suspend, "1", "2")
    bench.finish("a")
    let written = bench.effects.compactMap { if case .rememberJob(let job) = $0 { job } else { nil } }
    #expect(written.map(\.isClosed) == [false, true, false])
    var next = Workbench(jobs: [written[2]])
    next.receive(.migrate("a", hook: .announced))
    #expect(next.work == [] && next.asked == ["resume a 1 2"])
  }

  @Test("processes that do not confirm are told to go on a second time; then the answer says so")
  func unconfirmed() {
    var (bench, task) = examining()
    bench.finish("a", .ready)
    bench.answer(.suspend, "1", "2")
    bench.finish("a")
    // The broker is away: nothing is given up.
    bench.pass(.seconds(600))
    #expect(bench.answers(task) == [])
    bench.handle(.processesAsked("a", .resume))
    bench.answer(.resume, "2")
    bench.pass(.seconds(10))
    #expect(bench.asked == ["suspend a 1 2", "resume a 1 2", "resume a 1 2"])
    bench.handle(.processesAsked("a", .resume))
    bench.pass(.seconds(10))
    let entry = bench.answers(task).first?.entries.first
    #expect(entry?.isSuccess == true)
    #expect(entry?.details == "0; 1 of 2 processes did not answer (1) when told to open their connections again")
  }
}
