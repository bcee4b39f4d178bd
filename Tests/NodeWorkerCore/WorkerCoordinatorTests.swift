import ClusterModel
import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("Orders of coordinators that were replaced")
struct WorkerCoordinatorTests {
  private func order(_ id: TaskID, of epoch: Epoch?, to destination: HostName = "n2") -> TaskMessage {
    let wish = VMMigration(vm: "a", destination: destination, retries: 0)
    return TaskMessage(id: id, host: "n1", body: .migrate(wish), epoch: epoch)
  }

  /// A worker that knows of a coordinator of epoch 5.
  private func bench() -> Workbench {
    var bench = Workbench()
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: true, epoch: 5)))
    return bench
  }

  private func isRefused(_ answers: [TaskResult]) -> Bool {
    answers.count == 1 && answers[0].entries.map(\.code) == [.superseded] && answers[0].epoch == 5
  }

  @Test("an older one that wakes up moves nothing, and is told which is the newest")
  func awakened() {
    var bench = bench()
    let task = bench.receive(order("o", of: 4))
    #expect(isRefused(bench.answers(task)) && bench.work.isEmpty)
    #expect(bench.answers(task)[0].entries[0].details?.contains("epoch 4, and one of epoch 5") == true)
  }

  @Test("the newest one, one that is newer still, and clients are obeyed", arguments: [nil, 5, 6] as [Epoch?])
  func obeyed(epoch: Epoch?) {
    var bench = bench()
    bench.receive(order("o", of: epoch))
    #expect(bench.work == ["migrate a"])
  }

  @Test("an order makes its coordinator known: on disk before it is carried out")
  func learnedFromOrder() throws {
    var bench = Workbench()
    bench.receive(order("o", of: 5))
    let known = try #require(bench.effects.firstIndex(of: .rememberCoordinator(5)))
    let begun = try #require(bench.effects.firstIndex { if case .perform = $0 { true } else { false } })
    #expect(known < begun)
    let late = bench.receive(order("p", of: 4))
    #expect(isRefused(bench.answers(late)))
  }

  @Test("an older one's news changes nothing, and what is known is written down once")
  func oldNews() {
    var bench = bench()
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: false, epoch: 4)))
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: true, epoch: 5)))
    bench.receive(order("o", of: 5))
    #expect(bench.effects.filter { if case .rememberCoordinator = $0 { true } else { false } }.count == 1)
    let late = bench.receive(order("p", of: 4))
    #expect(isRefused(bench.answers(late)))
  }

  @Test("a worker that was restarted knows which it was")
  func restarted() {
    var machine = WorkerMachine(WorkerMachine.Configuration(host: "n1", epoch: 6, journal: "j", version: "1"))
    machine.recall(coordinator: 5)
    let arrival = TaskArrival(sequence: 1, route: Workbench.route)
    let effects = machine.handle(.taskReceived(order("o", of: 4), arrival), at: Moment(uptime: .zero, unixTime: 0))
    guard case .answer(let result, arrival)? = effects.last else {
      Issue.record("not answered: \(effects)")
      return
    }
    #expect(isRefused([result]))
  }

  @Test("an older one takes nothing back that the newest has ordered")
  func cancel() {
    var bench = bench()
    bench.receive(order("o", of: 5))
    let late = bench.receive(TaskMessage(id: "o/cancel", body: .cancel("o"), epoch: 4))
    #expect(bench.answers(late).map(\.code) == [.superseded] && bench.aborted.isEmpty)
    let own = bench.receive(TaskMessage(id: "o/cancel", body: .cancel("o"), epoch: 5))
    #expect(bench.answers(own).isEmpty && bench.aborted.count == 1, "the refusal was not kept for its id")
  }

  // MARK: The same order from two of them

  @Test("the old one's order was late, the new one's is the same: it is carried out once")
  func refusedThenOrderedAnew() {
    var bench = bench()
    let late = bench.receive(order("o", of: 4))
    let anew = bench.receive(order("o", of: 5))
    #expect(isRefused(bench.answers(late)) && bench.answers(anew).isEmpty && bench.work == ["migrate a"])
    bench.finish("a")
    #expect(bench.answers(anew).first?.entries.first?.isSuccess == true)
  }

  @Test("the new one repeats what the old one has begun: a repeat, running and answered")
  func repeated() {
    var bench = Workbench()
    let first = bench.receive(order("o", of: 4))
    bench.handle(.coordinatorReported(CoordinatorReport(isOnline: true, epoch: 5)))
    let running = bench.receive(order("o", of: 5))
    bench.finish("a")
    let answered = bench.receive(order("o", of: 5))
    let old = bench.receive(order("o", of: 4))
    #expect(bench.answers(running).isEmpty && bench.answers(first).count == 1)
    #expect(bench.answers(answered) == bench.answers(first) && bench.answers(old) == bench.answers(first))
  }

  @Test("the old one uses the new one's id for another order: refused as superseded, which the new one ignores")
  func sameID() {
    var bench = bench()
    let first = bench.receive(order("o", of: 5))
    let late = bench.receive(order("o", of: 4, to: "n3"))
    #expect(isRefused(bench.answers(late)))
    bench.finish("a")
    #expect(bench.answers(first).count == 1)
  }

  @Test("an order of the last run, whose coordinator was replaced meanwhile, only looks where the machine is")
  func recalled() {
    var bench = bench()
    bench.recall(order("o", of: 4))
    #expect(
      bench.running.contains { if case .migrate(let order) = $0.operation { !order.mayBegin } else { false } })
  }

  @Test("a refusal of the last run is no task: the newest may still give the order")
  func recalledRefusal() {
    var machine = WorkerMachine(WorkerMachine.Configuration(host: "n1", epoch: 6, journal: "j", version: "1"))
    var refusal = TaskResult.refusal(of: order("o", of: 4), code: .superseded, details: "")
    refusal.epoch = 5
    machine.recall(order("o", of: 4), answeredWith: refusal)
    let now = Moment(uptime: .zero, unixTime: 0)
    _ = machine.handle(.inventoryTaken(Workbench.inventory), at: now)
    let effects = machine.handle(
      .taskReceived(order("o", of: 5), TaskArrival(sequence: 2, route: Workbench.route)), at: now)
    #expect(effects.contains { if case .perform = $0 { true } else { false } })
  }
}
