import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Machines of one job are evacuated as one")
struct GangTests {
  /// Host n1 with a and b of one job, and c; n2 is empty. n1 is being emptied.
  private func emptying(
    outgoing: Int = 2, _ change: (inout NodeEvacuation) -> Void = { _ in }
  ) -> (Coordination, TaskID) {
    var cluster = Coordination(["n2": []], outgoing: outgoing)
    cluster.add("n1", [.sample("a", job: "j"), .sample("b", job: "j"), .sample("c")])
    let task = cluster.evacuate("n1", .hooked(change))
    return (cluster, task)
  }

  @Test("closed on all first, then moved before others, opened when each has an end")
  func whole() {
    var (cluster, task) = emptying()
    #expect(cluster.given == ["hold a:n1", "hold b:n1"])
    cluster.answerJob(
      "a", times: [TimeMeasurement("overall", seconds: 1), TimeMeasurement("pscom-suspend-a", seconds: 1)])
    #expect(cluster.given.count == 2)
    cluster.answerJob("b")
    #expect(cluster.given.dropFirst(2) == ["a:n1>n2", "b:n1>n2"])
    cluster.complete("a")
    #expect(cluster.given.dropFirst(4) == ["c:n1>n2"])
    cluster.complete("b")
    #expect(cluster.given.dropFirst(5) == ["release a:n1", "release b:n1"])
    cluster.complete("c")
    #expect(cluster.answers(task) == [])
    cluster.answerJob("a")
    #expect(cluster.answers(task) == [])
    cluster.answerJob("b")
    #expect(cluster.answers(task).first?.status == .success && cluster.states("n1").last == .drained)
  }

  @Test("the orders to move them name their processes: a worker whose hold has ended closes them by itself")
  func hooks() {
    var (cluster, _) = emptying()
    cluster.answerJobs("a", "b")
    for order in cluster.orders {
      if case .migrate(let migration) = order.body { #expect(migration.tuning.hookProcesses == .announced) }
      if case .hold(let hold) = order.body { #expect(hold.processes == .announced && order.notAfter != nil) }
    }
  }

  @Test("each entry tells what closing and opening took")
  func times() {
    var (cluster, _) = emptying()
    cluster.answerJob(
      "a", times: [TimeMeasurement("overall", seconds: 3), TimeMeasurement("pscom-suspend-a", seconds: 2)])
    cluster.answerJob("b")
    for vm: VMName in ["a", "b", "c"] { cluster.complete(vm) }
    cluster.answerJob(
      "a", times: [TimeMeasurement("overall", seconds: 3), TimeMeasurement("pscom-resume-a", seconds: 1)])
    let gang = cluster.machine.evacuations[0].gangs[0]
    #expect(
      gang.times(
        of: "uuid-a", around: [TimeMeasurement("overall", seconds: 9), TimeMeasurement("migrate", seconds: 8)]
      )
      .map(\.tag) == ["overall", "pscom-suspend-a", "migrate", "pscom-resume-a"])
    #expect(gang.times(of: "uuid-c", around: []) == [])
  }

  @Test("nobody's connections are wanted closed, or one machine of the job moves: no gang")
  func noGang() {
    var plain = Coordination(["n2": []])
    plain.add("n1", [.sample("a", job: "j"), .sample("b", job: "j")])
    plain.evacuate("n1")
    #expect(plain.given == ["a:n1>n2", "b:n1>n2"])
    var single = Coordination(["n2": []])
    single.add("n1", [.sample("a", job: "j"), .sample("b", job: "other")])
    single.evacuate("n1", .hooked())
    #expect(single.given == ["a:n1>n2", "b:n1>n2"])
  }

  @Test("one cannot be closed: what is closed is opened, all stay with code pscom, and others move")
  func culprit() {
    var (cluster, task) = emptying()
    cluster.answerJob("b")
    cluster.answerJob("a", failing: .pscom, details: "1 of 2 processes did not answer")
    #expect(cluster.given.dropFirst(2) == ["release b:n1", "c:n1>n2"])
    cluster.complete("c")
    cluster.answerJob("b")
    let entries = cluster.answers(task).first?.entries ?? []
    #expect(entries.map(\.code) == [.pscom, .pscom, nil])
    #expect(entries.allSatisfy { $0.isSuccess || $0.details?.contains("a on n1: 1 of 2 processes") == true })
    #expect(cluster.answers(task).first?.status == .partial)
  }

  @Test("one cannot be closed while another is still being closed: that one is opened, too")
  func culpritFirst() {
    var (cluster, _) = emptying()
    cluster.answerJob("a", failing: .pscom)
    #expect(cluster.given.contains("release b:n1"))
    // Its late answer to the first order means nothing any more.
    cluster.answerJob("b", to: "hold")
    #expect(cluster.given.count { $0 == "release b:n1" } == 1)
  }

  @Test("one of them has ended meanwhile: the others move without it")
  func gone() {
    var (cluster, task) = emptying()
    cluster.vms["n1"]?.removeAll { $0.name == "a" }
    cluster.report("n1")
    cluster.answerJob("a", failing: .notFound)
    cluster.answerJob("b")
    #expect(cluster.given.dropFirst(2) == ["b:n1>n2", "c:n1>n2"])
    cluster.complete("b")
    cluster.complete("c")
    #expect(cluster.given.last == "release b:n1")
    cluster.answerJob("b")
    #expect(cluster.answers(task).first?.entries.map(\.code) == [.notFound, nil, nil])
  }

  @Test("a member without a place stays, and the job is suspended once for those that move")
  func unplaced() {
    var cluster = Coordination([:])
    cluster.add("n2", memory: 3, [])
    cluster.add("n1", [.sample("a", job: "j"), .sample("b", job: "j"), .sample("big", memory: 8, job: "j")])
    let task = cluster.evacuate("n1", .hooked())
    cluster.answerJobs("a", "b")
    cluster.complete("a")
    cluster.complete("b")
    cluster.answerJobs("a", "b")
    #expect(cluster.given == ["hold a:n1", "hold b:n1", "a:n1>n2", "b:n1>n2", "release a:n1", "release b:n1"])
    #expect(cluster.answers(task).first?.entries.map(\.code) == [nil, nil, .capacity])
  }

  @Test("a migration that fails and is tried again keeps all closed until its end")
  func retries() {
    var (cluster, task) = emptying { $0.retries = 1 }
    cluster.answerJobs("a", "b")
    cluster.complete("a")
    cluster.answer("b", failing: .hypervisor)
    #expect(!cluster.given.contains("release a:n1"))
    cluster.pass(.seconds(2))
    cluster.answer("b", failing: .hypervisor)
    #expect(cluster.given.suffix(2) == ["release a:n1", "release b:n1"])
    cluster.answerJobs("a", "b")
    cluster.complete("c")
    #expect(cluster.answers(task).first?.entries.map(\.code) == [nil, .hypervisor, nil])
  }

  @Test("holds are renewed while they last, and not afterwards")
  func renewal() {
    var (cluster, _) = emptying()
    cluster.answerJobs("a", "b")
    cluster.pass(.seconds(41))
    #expect(cluster.given.suffix(2) == ["hold a:n1", "hold b:n1"])
    let ids = cluster.orders.compactMap(\.id)
    #expect(Set(ids).count == ids.count)
    // Without an answer there is no second one.
    cluster.pass(.seconds(40))
    #expect(cluster.given.count { $0.hasPrefix("hold") } == 4)
    cluster.answerJobs("a", "b")
    cluster.pass(.seconds(40))
    #expect(cluster.given.count { $0.hasPrefix("hold") } == 6)
    cluster.answerJob("a", failing: .notFound)
    cluster.complete("a")
    cluster.complete("b")
    #expect(cluster.given.contains("release b:n1") && !cluster.given.contains("release a:n1"))
    cluster.answerJob("b")
    let count = cluster.given.count
    cluster.pass(.seconds(200))
    #expect(cluster.given.count == count)
  }

  @Test("what could not be released is tried again")
  func stuck() {
    var (cluster, task) = emptying()
    cluster.answerJobs("a", "b")
    for vm: VMName in ["a", "b", "c"] { cluster.complete(vm) }
    cluster.answerJob("a", failing: .internal)
    cluster.answerJob("b")
    #expect(cluster.answers(task) == [])
    cluster.pass(.seconds(41))
    #expect(cluster.given.last == "release a:n1")
    cluster.answerJob("a")
    #expect(cluster.answers(task).first?.status == .success)
  }

  @Test("a cancel while they are being closed opens them, and nothing moves")
  func cancelClosing() {
    var (cluster, task) = emptying()
    cluster.answerJob("a")
    cluster.send(.cancel(task), for: nil, id: "cancel")
    #expect(cluster.given == ["hold a:n1", "hold b:n1", "release a:n1", "release b:n1"])
    #expect(cluster.answers(task) == [])
    cluster.answerJobs("a", "b")
    #expect(cluster.answers(task).first?.code == .cancelled)
    #expect(cluster.answers("cancel").first?.status == .success)
  }

  @Test("a cancel while they move opens them when the last has an end", arguments: [true, false])
  func cancelMoving(isTooLate: Bool) {
    var (cluster, task) = emptying()
    cluster.answerJobs("a", "b")
    cluster.complete("a")
    cluster.send(.cancel(task), for: nil)
    #expect(!cluster.given.contains("release a:n1"))
    if isTooLate { cluster.complete("b") } else { cluster.answer("b", failing: .cancelled) }
    cluster.answer("c", failing: .cancelled)
    #expect(cluster.given.suffix(2) == ["release a:n1", "release b:n1"])
    cluster.answerJobs("a", "b")
    #expect(cluster.answers(task).count == 1)
  }

  @Test("a deadline opens them, or lets them stand still for their copy", arguments: Deadline.Policy.allCases)
  func deadline(_ policy: Deadline.Policy) {
    var (cluster, task) = emptying { $0.deadline = Deadline(seconds: 30, policy: policy) }
    cluster.answerJobs("a", "b")
    cluster.complete("a")
    cluster.pass(.seconds(30))
    cluster.answer("b", failing: .cancelled)
    cluster.answer("c", failing: .cancelled)
    if policy == .warm {
      #expect(!cluster.given.contains("release a:n1"))
      cluster.complete("b")
      cluster.complete("c")
    }
    #expect(cluster.given.suffix(2) == ["release a:n1", "release b:n1"] || policy == .warm)
    #expect(cluster.given.contains("release a:n1") && cluster.given.contains("release b:n1"))
    cluster.answerJobs("a", "b")
    #expect(cluster.answers(task).count == 1)
  }

  @Test("a pause lets a gang that is under way come to its end, and begins no other")
  func pause() {
    var cluster = Coordination(["n2": []], outgoing: 1)
    cluster.add(
      "n1", [.sample("a", job: "j"), .sample("b", job: "j"), .sample("x", job: "k"), .sample("y", job: "k")])
    let task = cluster.evacuate("n1", .hooked())
    cluster.answerJob("a")
    cluster.send(.pauseOperation(task), for: nil)
    cluster.answerJob("b")
    cluster.complete("a")
    cluster.complete("b")
    cluster.answerJobs("a", "b")
    #expect(
      cluster.given == [
        "hold a:n1", "hold b:n1", "a:n1>n2", "b:n1>n2", "release a:n1", "release b:n1",
      ])
    cluster.send(.resumeOperation(task), for: nil)
    #expect(cluster.given.suffix(2) == ["hold x:n1", "hold y:n1"])
  }

  @Test("two jobs move one after the other")
  func twoJobs() {
    var cluster = Coordination(["n2": []])
    cluster.add(
      "n1", [.sample("a", job: "j"), .sample("b", job: "j"), .sample("x", job: "k"), .sample("y", job: "k")])
    let task = cluster.evacuate("n1", .hooked())
    cluster.answerJobs("a", "b")
    cluster.complete("a")
    #expect(!cluster.given.contains { $0.hasPrefix("hold x") })
    cluster.complete("b")
    #expect(cluster.given.suffix(2) == ["hold x:n1", "hold y:n1"])
    cluster.answerJobs("a", "b")
    cluster.answerJobs("x", "y")
    cluster.complete("x")
    cluster.complete("y")
    cluster.answerJobs("x", "y")
    #expect(cluster.answers(task).first?.status == .success)
  }

  @Test("over two hosts that are emptied by one plan")
  func twoHosts() {
    var cluster = Coordination(["n3": []])
    cluster.add("n1", [.sample("a", job: "j")])
    cluster.add("n2", [.sample("b", job: "j")])
    let task = cluster.evacuate("n1", .hooked { $0.hosts = ["n2"] })
    #expect(cluster.given == ["hold a:n1", "hold b:n2"])
    cluster.answerJobs("a", "b")
    cluster.complete("a")
    cluster.complete("b")
    #expect(cluster.given.suffix(2) == ["release a:n1", "release b:n2"])
    cluster.answerJobs("a", "b")
    #expect(cluster.answers(task).first?.status == .success)
  }

  @Test("a late arrival of the job moves by itself")
  func arrival() {
    var (cluster, _) = emptying()
    cluster.answerJobs("a", "b")
    cluster.vms["n1"]?.append(.sample("d", job: "j"))
    cluster.report("n1")
    cluster.complete("a")
    cluster.complete("b")
    #expect(cluster.given.contains("d:n1>n2") && !cluster.given.contains { $0.hasPrefix("hold d") })
    #expect(cluster.given.contains("release a:n1"))
  }
}
