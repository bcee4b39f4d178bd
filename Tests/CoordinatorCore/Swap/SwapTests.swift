import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("The exchange of two machines")
struct SwapTests {
  /// Machine a on n1, b on n2, and the wish to exchange them.
  private func exchange(
    _ change: (inout VMMigration) -> Void = { _ in }, measuresTime: Bool = false
  ) -> (Coordination, TaskID) {
    var cluster = Coordination(["n1": ["a"], "n2": ["b"], "n3": []])
    var wish = VMMigration(vm: "a", destination: "n2", retries: 1, partner: SwapPartner(vm: "b"))
    change(&wish)
    let task = TaskMessage(id: "s", host: "n1", body: .migrate(wish), measuresTime: measuresTime)
    cluster.handle(.taskReceived(task, from: Coordination.route))
    return (cluster, "s")
  }

  @Test("both that fit beside each other move at the same time; one answer about the task's machine")
  func both() {
    var (cluster, task) = exchange()
    #expect(cluster.sent == ["a:n1>n2", "b:n2>n1"])
    cluster.complete("a")
    #expect(cluster.answers(task) == [])
    cluster.complete("b")
    #expect(
      cluster.answers(task) == [
        TaskResult(title: .vmMigrated, id: "s", scheduler: "global", entries: [VMOutcome(vm: "a", details: "0")])
      ])
    #expect(cluster.machine.swaps.isEmpty)
  }

  @Test("each has its own pins and its own job; everything else is as the task says")
  func options() throws {
    let (cluster, _) = exchange {
      $0.type = .warm
      $0.tuning.vcpuMap = [[0]]
      $0.tuning.hookProcesses = .count(2)
      $0.tuning.bandwidth = 100
      $0.partner = SwapPartner(vm: "b", hookProcesses: .announced, vcpuMap: [[1]])
    }
    let wishes = cluster.orders.compactMap { order -> VMMigration? in
      if case .migrate(let wish) = order.body { wish } else { nil }
    }
    #expect(wishes.map(\.tuning.vcpuMap) == [[[0]], [[1]]])
    #expect(wishes.map(\.tuning.hookProcesses) == [.count(2), .announced])
    #expect(wishes.allSatisfy { $0.tuning.bandwidth == 100 && $0.type == .warm && $0.partner == nil })
  }

  @Test("one cannot: the other goes home, and the answer says so")
  func takenBack() {
    var (cluster, task) = exchange()
    cluster.complete("a")
    cluster.answer("b", failing: .exists, details: "another b")
    #expect(cluster.sent.last == "a:n2>n1" && cluster.answers(task) == [])
    cluster.complete("a")
    let entry = cluster.answers(task).first?.entries.first
    #expect(entry?.code == .exists)
    #expect(entry?.details == "not exchanged: another b; both are back where they were")
  }

  @Test("a passing error is tried again before anything goes home")
  func retry() {
    var (cluster, task) = exchange()
    cluster.answer("b", failing: .hypervisor)
    cluster.complete("a")
    cluster.pass(.seconds(1))
    #expect(cluster.sent == ["a:n1>n2", "b:n2>n1", "b:n2>n1"])
    cluster.complete("b")
    #expect(cluster.answers(task).first?.entries == [VMOutcome(vm: "a", details: "1")])
  }

  @Test("neither can: both stayed")
  func neither() {
    var (cluster, task) = exchange()
    cluster.answer("a", failing: .refused, details: "pins")
    cluster.answer("b", failing: .refused, details: "pins")
    #expect(cluster.answers(task).first?.entries.first?.details == "not exchanged: pins; both stayed where they were")
  }

  @Test("the way home is lost, too: the answer tells where each is")
  func stranded() {
    var (cluster, task) = exchange { $0.retries = 0 }
    cluster.complete("a")
    cluster.answer("b", failing: .exists)
    for _ in 0..<6 {
      cluster.answer("a", failing: .hypervisor, details: "no way")
      cluster.pass(.seconds(60))
    }
    #expect(
      cluster.answers(task).first?.entries.first?.details
        == "not exchanged: cause; a is on n2 and could not go home (no way), b stayed on n2")
  }

  @Test("one is in doubt: nothing more is moved")
  func doubt() {
    var (cluster, task) = exchange()
    cluster.complete("a")
    cluster.answer("b", failing: .inDoubt, details: "silence")
    #expect(cluster.sent.count == 2)
    #expect(
      cluster.answers(task).first?.entries.first?.details
        == "not exchanged: silence; a is on n2, b may be on either host")
  }

  @Test("a worker that stays away: the answer comes all the same")
  func absence() {
    var (cluster, task) = exchange()
    cluster.complete("a")
    cluster.lose("n2")
    cluster.pass(.seconds(61))
    #expect(cluster.answers(task).first?.entries.first?.code == .noWorker)
  }

  @Test("a worker that lost its journal gets its order again")
  func lostJournal() {
    var (cluster, _) = exchange()
    cluster.restart("n2")
    #expect(cluster.sent == ["a:n1>n2", "b:n2>n1", "b:n2>n1"])
    #expect(cluster.orders[1].id == cluster.orders[2].id)
  }

  @Test("the times of the partner carry its name, as in the C++ program")
  func times() {
    var (cluster, task) = exchange(measuresTime: true)
    let migrate = [TimeMeasurement("overall", seconds: 2), TimeMeasurement("migrate", seconds: 1)]
    for vm: VMName in ["a", "b"] {
      guard let order = cluster.order(vm) else { return }
      let outcome = VMOutcome(vm: vm, times: migrate)
      cluster.handle(
        .workerAnswered(TaskResult(title: .vmMigrated, id: order.task, entries: [outcome]), from: order.source))
    }
    #expect(cluster.answers(task).first?.entries.first?.times.map(\.tag) == ["overall", "migrate", "migrate-b"])
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var change: @Sendable (inout VMMigration) -> Void
    var code: ErrorCode
    var words: String
  }

  @Test(
    "what cannot be is refused before anything moves",
    arguments: [
      Refusal(
        testDescription: "a machine that is not there", change: { $0.vm = "x" }, code: .notFound,
        words: "no domain with matching name 'x' runs on n1"),
      Refusal(
        testDescription: "a partner that is not there", change: { $0.partner = SwapPartner(vm: "y") }, code: .notFound,
        words: "'y' runs on n2"),
      Refusal(
        testDescription: "a host that nobody knows", change: { $0.destination = "n9" }, code: .noWorker,
        words: "unknown host 'n9'"),
      Refusal(
        testDescription: "on one host", change: { $0.destination = "n1" }, code: .destination,
        words: "'a' is to be exchanged on n1 itself"),
    ])
  func refusals(_ row: Refusal) {
    let (cluster, task) = exchange(row.change)
    #expect(cluster.sent == [] && cluster.answers(task).count == 1)
    #expect(cluster.answers(task).first?.entries.first?.code == row.code)
    #expect(cluster.answers(task).first?.entries.first?.details?.contains(row.words) == true)
  }

  @Test("two of which one does not fit even alone are refused with what is missing")
  func noRoom() {
    var cluster = Coordination([:])
    cluster.add("n1", memory: 4, [.sample("a", memory: 3)])
    cluster.add("n2", memory: 4, [.sample("b", memory: 1), .sample("c", memory: 2)])
    let task = cluster.send(
      .migrate(VMMigration(vm: "a", destination: "n2", partner: SwapPartner(vm: "b"))), for: "n1")
    let entry = cluster.answers(task).first?.entries.first
    #expect(entry?.code == .capacity && cluster.sent == [])
    #expect(
      entry?.details == "a needs 3 GiB of memory on n2, which has 2 GiB even without b; nothing was moved")
  }

  @Test("its machines are nobody else's, and its hosts are not emptied meanwhile")
  func alone() {
    var (cluster, _) = exchange()
    let again = cluster.send(
      .migrate(VMMigration(vm: "b", destination: "n1", partner: SwapPartner(vm: "a"))), for: "n2")
    #expect(cluster.answers(again).first?.entries.first?.code == .wrongState)
    let evacuation = cluster.evacuate("n2")
    #expect(cluster.answers(evacuation).first?.code == .wrongState)
    cluster.complete("a")
    cluster.complete("b")
    cluster.evacuate("n2")
    #expect(cluster.sent.last?.hasPrefix("a:n2>") == true)
  }

  @Test("what is promised to it is not given to others")
  func reservation() {
    var cluster = Coordination([:])
    cluster.add("n1", memory: 8, [.sample("a", memory: 3), .sample("c", memory: 4)])
    cluster.add("n2", memory: 8, [.sample("b", memory: 1)])
    cluster.add("n3", memory: 8, [.sample("d", memory: 3)])
    cluster.send(.migrate(VMMigration(vm: "a", destination: "n2", partner: SwapPartner(vm: "b"))), for: "n1")
    #expect(cluster.sent == ["a:n1>n2", "b:n2>n1"])
    // n2 has 8 - 1 - 3 left for the time being.
    let evacuation = cluster.evacuate("n3", NodeEvacuation(destinations: ["n2"]))
    #expect(cluster.sent.last == "d:n3>n2" && cluster.answers(evacuation) == [])
    let full = cluster.machine.snapshot().hosts.first { $0.name == "n2" }
    #expect(full?.usedMemoryKiB == gib(7))
  }
}
