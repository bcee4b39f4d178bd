import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("Jobs that are held from task to task")
struct HoldTests {
  /// A worker that has heard of processes 1 and 2 of machine a.
  private func ready() -> Workbench {
    var bench = Workbench()
    bench.connect()
    bench.announce("1", "2")
    return bench
  }

  /// One that holds them for 60 s.
  private func holding(lease: Int = 60) -> Workbench {
    var bench = ready()
    let task = bench.receive(.hold(JobHold(vm: "a", lease: lease)), id: "hold")
    bench.answer(.suspend, "1", "2")
    #expect(bench.answers(task) == [TaskResult(title: .jobHeld, id: "hold", entries: [VMOutcome(vm: "a")])])
    return bench
  }

  private func opened(_ bench: inout Workbench) {
    bench.handle(.processesAsked("a", .resume))
    bench.answer(.resume, "1", "2")
  }

  @Test("are closed by all processes, moved without being touched, and opened when they are released")
  func whole() {
    var bench = holding()
    let move = bench.receive(.migrate("a", hook: .announced))
    #expect(bench.work == ["migrate a"])
    bench.finish("a")
    #expect(bench.answers(move).first?.entries == [VMOutcome(vm: "a", details: "0")])
    #expect(bench.asked == ["suspend a 1 2"])
    let release = bench.receive(.release(JobRelease(vm: "a")), id: "release")
    #expect(bench.asked == ["suspend a 1 2", "resume a 1 2"] && bench.answers(release) == [])
    opened(&bench)
    #expect(bench.answers(release) == [TaskResult(title: .jobReleased, id: "release", entries: [VMOutcome(vm: "a")])])
    #expect(bench.effects.contains(.forgetJob("a")))
    bench.pass(.seconds(600))
    #expect(bench.asked == ["suspend a 1 2", "resume a 1 2"])
  }

  @Test("tell how long closing and opening took")
  func times() {
    var bench = ready()
    let hold = bench.receive(TaskMessage(body: .hold(JobHold(vm: "a")), measuresTime: true))
    bench.pass(.seconds(2))
    bench.answer(.suspend, "1", "2")
    let release = bench.receive(TaskMessage(body: .release(JobRelease(vm: "a")), measuresTime: true))
    bench.pass(.seconds(1))
    bench.answer(.resume, "1", "2")
    #expect(
      bench.answers(hold).first?.entries.first?.times == [
        TimeMeasurement("overall", seconds: 2), TimeMeasurement("pscom-suspend-a", seconds: 2),
      ])
    #expect(
      bench.answers(release).first?.entries.first?.times == [
        TimeMeasurement("overall", seconds: 1), TimeMeasurement("pscom-resume-a", seconds: 1),
      ])
  }

  @Test("a migration that fails leaves them held, however often it is tried")
  func failedMigration() {
    var bench = holding()
    let move = bench.receive(.migrate("a", retries: 1, hook: .count(2)))
    bench.fail("a", mayPass: true)
    bench.pass(.seconds(1))
    bench.fail("a", mayPass: true)
    #expect(bench.answers(move).first?.entries.first?.isSuccess == false)
    #expect(bench.asked == ["suspend a 1 2"])
  }

  @Test("nobody renews the hold: it ends with its lease")
  func leaseEnds() {
    var bench = holding()
    bench.pass(.milliseconds(59_900))
    #expect(bench.asked == ["suspend a 1 2"])
    bench.pass(.milliseconds(200))
    #expect(bench.asked == ["suspend a 1 2", "resume a 1 2"])
    opened(&bench)
    #expect(bench.effects.contains(.forgetJob("a")))
    // Whoever had held it finds nothing to release.
    let release = bench.receive(.release(JobRelease(vm: "a")))
    #expect(bench.answers(release).first?.entries.first?.isSuccess == true)
    #expect(bench.asked.count == 2)
  }

  @Test("the same task anew with another id begins the lease anew, and asks nobody")
  func renewal() {
    var bench = holding()
    for round in 0..<5 {
      bench.pass(.seconds(50))
      let task = bench.receive(.hold(JobHold(vm: "a", lease: 60)), id: TaskID(rawValue: "again-\(round)"))
      #expect(bench.answers(task).first?.entries == [VMOutcome(vm: "a")])
    }
    #expect(bench.asked == ["suspend a 1 2"])
    bench.pass(.seconds(60))
    #expect(bench.asked == ["suspend a 1 2", "resume a 1 2"])
  }

  @Test("a timer of a hold that was released does not end the next one")
  func staleLease() {
    var bench = holding()
    bench.pass(.seconds(50))
    bench.receive(.release(JobRelease(vm: "a")))
    opened(&bench)
    bench.receive(.hold(JobHold(vm: "a", lease: 60)))
    bench.answer(.suspend, "1", "2")
    bench.pass(.seconds(59))
    #expect(bench.asked.last == "suspend a 1 2")
    bench.pass(.seconds(1))
    #expect(bench.asked.last == "resume a 1 2")
  }

  @Test("the lease does not end while the machine moves, and then it has its time once more")
  func leaseOfMovingMachine() {
    var bench = holding()
    bench.receive(.migrate("a", hook: .announced))
    bench.pass(.seconds(300))
    #expect(bench.asked == ["suspend a 1 2"] && bench.work == ["migrate a"])
    bench.finish("a")
    bench.pass(.seconds(60))
    #expect(bench.asked == ["suspend a 1 2", "resume a 1 2"])
  }

  @Test("a renewal for a machine that has moved away is taken; a hold of one that is not here is not")
  func machineAway() {
    var bench = holding()
    var empty = Workbench.inventory
    empty.vms = []
    bench.handle(.inventoryTaken(empty))
    let again = bench.receive(.hold(JobHold(vm: "a")), id: "again")
    #expect(bench.answers(again).first?.entries.first?.isSuccess == true)
    bench.receive(.release(JobRelease(vm: "a")))
    opened(&bench)
    let late = bench.receive(.hold(JobHold(vm: "a")), id: "late")
    #expect(bench.answers(late).first?.entries.first?.code == .notFound)
  }

  @Test("one process is silent, or refuses: all go on, and nothing is held", arguments: [true, false])
  func notClosed(refuses: Bool) {
    var bench = ready()
    let task = bench.receive(.hold(JobHold(vm: "a")))
    bench.answer(.suspend, "1")
    if refuses {
      bench.handle(.processAnswered("a", process: "2", PscomAnswer(.suspend, isSuccess: false, details: "busy")))
    } else {
      bench.pass(.seconds(10))
    }
    #expect(bench.asked == ["suspend a 1 2", "resume a 1 2"] && bench.answers(task) == [])
    opened(&bench)
    #expect(bench.answers(task).first?.entries.first?.code == .pscom)
    let move = bench.receive(.migrate("a", hook: .announced))
    #expect(bench.work == ["examine a"] && bench.answers(move) == [])
  }

  @Test("are on disk with their lease before the first process is asked, and until all have been told to go on")
  func onDisk() {
    var bench = holding()
    bench.receive(.release(JobRelease(vm: "a")))
    opened(&bench)
    let written = bench.effects.compactMap { if case .rememberJob(let job) = $0 { job } else { nil } }
    #expect(written.map(\.isClosed) == [false, true, false] && written.map(\.lease) == [nil, 60, nil])
    var full = ready()
    full.journalFlaw = "disk full"
    let task = full.receive(.hold(JobHold(vm: "a")))
    #expect(full.asked == [] && full.answers(task).first?.entries.first?.code == .internal)
  }

  @Test("a hold that is cancelled while processes close their connections opens them")
  func cancelled() {
    var bench = ready()
    let task = bench.receive(.hold(JobHold(vm: "a")), id: "hold")
    bench.answer(.suspend, "1")
    let cancel = bench.receive(.cancel("hold"))
    #expect(bench.asked == ["suspend a 1 2", "resume a 1 2"])
    opened(&bench)
    #expect(bench.answers(task).first?.entries.first?.code == .cancelled)
    #expect(bench.answers(cancel).first?.status == .success)
  }

  @Test("a machine without processes has nothing to hold")
  func noProcesses() {
    var bench = Workbench()
    bench.connect()
    let task = bench.receive(.hold(JobHold(vm: "a")))
    #expect(bench.answers(task).first?.entries.first?.isSuccess == true)
    #expect(bench.asked == [])
  }

  @Test("a release comes after the migration that is under way")
  func releaseWhileMoving() {
    var bench = holding()
    bench.receive(.migrate("a", hook: .announced))
    bench.receive(.release(JobRelease(vm: "a")))
    #expect(bench.asked == ["suspend a 1 2"])
    bench.finish("a")
    #expect(bench.asked == ["suspend a 1 2", "resume a 1 2"])
  }

  @Test("a release of what another host holds, which is lost, tells the processes to go on if it is to")
  func rescue() {
    var bench = ready()
    let idle = bench.receive(.release(JobRelease(vm: "a")), id: "idle")
    #expect(bench.asked == [] && bench.answers(idle).count == 1)
    let task = bench.receive(.release(JobRelease(vm: "a", processes: .announced)), id: "rescue")
    #expect(bench.asked == ["resume a 1 2"] && bench.answers(task) == [])
    opened(&bench)
    #expect(bench.answers(task).first?.entries.first?.isSuccess == true)
  }

  // MARK: Killed workers

  private func killed(isClosed: Bool = true) -> Workbench {
    let job = SuspendedJob(vm: "a", audience: .processes(["1", "2"]), isClosed: isClosed, lease: isClosed ? 60 : nil)
    return Workbench(jobs: [job])
  }

  private func begin(_ bench: inout Workbench) {
    bench.handle(.recallEnded)
    bench.connect()
    bench.announce("1", "2")
  }

  @Test("the next worker goes on holding them for one lease")
  func recalled() {
    var bench = killed()
    begin(&bench)
    bench.pass(.seconds(57))
    #expect(bench.asked == [])
    bench.pass(.seconds(2))
    #expect(bench.asked == ["resume a 1 2"])
  }

  @Test("the next worker goes on with the move of a machine whose job is held, and leaves it held")
  func recalledMigration() {
    var bench = killed()
    bench.recall(TaskMessage(id: "t", body: .migrate("a", hook: .announced)))
    begin(&bench)
    #expect(bench.work == ["migrate a"] && bench.asked == [])
    bench.pass(.seconds(100))
    bench.finish("a")
    #expect(bench.asked == [] && bench.answers(1).count == 1)
    let release = bench.receive(.release(JobRelease(vm: "a")))
    #expect(bench.asked == ["resume a 1 2"] && bench.answers(release) == [])
  }

  @Test("the next worker closes them anew when nobody knows who had been asked")
  func recalledClosing() {
    var bench = killed(isClosed: false)
    bench.recall(TaskMessage(id: "hold", body: .hold(JobHold(vm: "a"))))
    begin(&bench)
    #expect(bench.asked == ["resume a 1 2"] && bench.answers(1) == [])
    opened(&bench)
    #expect(bench.asked == ["resume a 1 2", "suspend a 1 2"])
    bench.answer(.suspend, "1", "2")
    #expect(bench.answers(1).first?.entries.first?.isSuccess == true)
  }

  @Test("the next worker opens what was being closed for a hold, although its machine is not there any more")
  func recalledWithoutMachine() {
    var bench = Workbench(
      hasInventory: false, jobs: [SuspendedJob(vm: "gone", audience: .processes(["1"]), isClosed: false)])
    bench.recall(TaskMessage(id: "hold", body: .hold(JobHold(vm: "gone"))))
    bench.handle(.recallEnded)
    bench.connect()
    bench.handle(.inventoryTaken(Workbench.inventory))
    #expect(bench.answers(1).first?.entries.first?.code == .notFound)
    #expect(bench.asked == ["resume gone 1"])
    bench.handle(.processReported("gone", process: "1", nil))
    #expect(bench.effects.contains(.forgetJob("gone")))
  }

  @Test("the next worker answers a renewal that the last one had taken, and a release")
  func recalledTasks() {
    var bench = killed()
    bench.recall(TaskMessage(id: "again", body: .hold(JobHold(vm: "a", lease: 30))))
    bench.recall(TaskMessage(id: "release", body: .release(JobRelease(vm: "a"))))
    begin(&bench)
    #expect(bench.answers(1).first?.entries.first?.isSuccess == true)
    #expect(bench.asked == ["resume a 1 2"])
    opened(&bench)
    #expect(bench.answers(2).first?.entries.first?.isSuccess == true)
  }
}
