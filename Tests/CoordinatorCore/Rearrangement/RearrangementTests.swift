import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Machines that are wanted on certain hosts")
struct RearrangementTests {
  /// a of 2 GiB on n1 and b of 3 GiB on n2, hosts of 4 GiB: each needs the other's room.
  private static func full() -> Coordination {
    var cluster = Coordination([:])
    cluster.add("n1", memory: 4, [.sample("a", memory: 2)])
    cluster.add("n2", memory: 4, [.sample("b", memory: 3)])
    return cluster
  }

  private static func rearrange(_ moves: KeyValuePairs<VMName, HostName>, isDryRun: Bool = false) -> TaskMessage.Body {
    .rearrange(
      VMRearrangement(
        moves.map { VMRearrangement.Move(vm: $0.key, destination: $0.value) }, way: VMTravel(retries: 0),
        isDryRun: isDryRun))
  }

  /// What was ordered so far: "b:save>n1 a>n2".
  private func orders(_ cluster: Coordination) -> String {
    cluster.orders.compactMap { order in
      guard case .migrate(let wish) = order.body else { return nil }
      let stage = wish.tuning.offlineStage.map { ":\($0.rawValue)" } ?? ""
      return "\(wish.vm)\(stage)>\(wish.destination)"
    }.joined(separator: " ")
  }

  @Test("with room all move at once; done when the hosts' own reports show it, one answer")
  func beside() throws {
    var cluster = Coordination(["n1": ["a", "b"], "n2": ["c"], "n3": []])
    let task = cluster.send(Self.rearrange(["a": "n2", "c": "n1", "b": "n3"]), for: nil)
    #expect(Set(cluster.sent) == ["a:n1>n2", "b:n1>n3", "c:n2>n1"])
    for vm in ["a", "b", "c"] as [VMName] { cluster.complete(vm) }
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.title == .vmsRearranged && answer.status == .success && answer.details == "3 moved")
    #expect(answer.entries.count == 3 && answer.entries.allSatisfy(\.isSuccess))
    #expect(cluster.plans.map(\.state) == [.done] && cluster.plans[0].operation == .rearrangement)
    #expect(cluster.machine.rearrangements.isEmpty)
  }

  @Test("where each needs the other's room one is saved, and restored at last")
  func byStorage() throws {
    var cluster = Self.full()
    let task = cluster.send(Self.rearrange(["a": "n2", "b": "n1"]), for: nil)
    #expect(orders(cluster) == "b:save>n1")
    cluster.vms["n2"] = []
    cluster.report("n2")
    cluster.answer("b")
    #expect(orders(cluster) == "b:save>n1 a>n2")
    cluster.complete("a")
    #expect(orders(cluster) == "b:save>n1 a>n2 b:restore>n1")
    cluster.vms["n1"] = [.sample("b", memory: 3)]
    cluster.report("n1")
    cluster.answer("b")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("who was saved for one that cannot move goes home, and the answer says where both are")
  func goesHome() throws {
    var cluster = Self.full()
    let task = cluster.send(Self.rearrange(["a": "n2", "b": "n1"]), for: nil)
    cluster.vms["n2"] = []
    cluster.report("n2")
    cluster.answer("b")
    cluster.answer("a", failing: .exists, details: "there is another a")
    #expect(orders(cluster) == "b:save>n1 a>n2 b:go-home>n1")
    #expect(cluster.orders.last?.host == "n2" && cluster.orders.last?.notAfter == nil)
    cluster.vms["n2"] = [.sample("b", memory: 3)]
    cluster.report("n2")
    cluster.answer("b")
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.status == .error)
    let details = Dictionary(answer.entries.map { ($0.vm, $0.details) }) { first, _ in first }
    #expect(details["a"] == "there is another a; a is on n1")
    #expect(details["b"] == "not begun: a could not be moved before it; b is on n2")
  }

  @Test("cancelled in the middle, who is saved goes home")
  func cancelled() throws {
    var cluster = Self.full()
    let task = cluster.send(Self.rearrange(["a": "n2", "b": "n1"]), for: nil)
    cluster.vms["n2"] = []
    cluster.report("n2")
    cluster.answer("b")
    let cancel = cluster.send(.cancel(task), for: nil)
    #expect(cluster.orders.last?.body == .cancel(cluster.order("a")!.task))
    cluster.answer("a", failing: .cancelled, details: "cancelled")
    #expect(orders(cluster) == "b:save>n1 a>n2 b:go-home>n1")
    cluster.vms["n2"] = [.sample("b", memory: 3)]
    cluster.report("n2")
    cluster.answer("b")
    #expect(cluster.answers(task).map(\.code) == [.cancelled])
    #expect(cluster.answers(cancel).map(\.status) == [.success])
  }

  @Test("cancelled too late for the one, the other, whose room it has taken, is restored where it was wanted")
  func cancelledTooLate() throws {
    var cluster = Self.full()
    let task = cluster.send(Self.rearrange(["a": "n2", "b": "n1"]), for: nil)
    cluster.vms["n2"] = []
    cluster.report("n2")
    cluster.answer("b")
    cluster.send(.cancel(task), for: nil)
    cluster.complete("a")
    #expect(orders(cluster) == "b:save>n1 a>n2 b:restore>n1")
    cluster.vms["n1"] = [.sample("b", memory: 3)]
    cluster.report("n1")
    cluster.answer("b")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("what has begun goes on while it is paused, and nothing else begins")
  func paused() {
    var cluster = Coordination(["n1": ["a", "b", "c"], "n2": []], outgoing: 1)
    let task = cluster.send(Self.rearrange(["a": "n2", "b": "n2"]), for: nil)
    #expect(cluster.sent.count == 1)
    let first = cluster.sent[0].first == "a" ? VMName("a") : "b"
    let pause = cluster.send(.pauseOperation(task), for: nil)
    #expect(cluster.answers(pause).map(\.status) == [.success] && cluster.plans.map(\.state) == [.paused])
    cluster.complete(first)
    #expect(cluster.sent.count == 1)
    cluster.send(.resumeOperation(task), for: nil)
    #expect(cluster.sent.count == 2)
    cluster.complete(first == "a" ? "b" : "a")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("a step whose destination is full for the moment is tried again, and given up with the reason")
  func hindered() throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let wish = VMRearrangement([VMRearrangement.Move(vm: "a", destination: "n2")], way: VMTravel(retries: 1))
    // Somebody else fills the host between the plan and the step: its own worker is away until then.
    cluster.lose("n1")
    let refused = cluster.send(.rearrange(wish), for: nil)
    #expect(cluster.answers(refused).first?.entries.first?.details?.contains("its worker is offline") == true)
    cluster.restart("n1")
    cluster.evacuate("n2")
    cluster.vms["n2"] = [.sample("x", memory: 16)]
    cluster.report("n2")
    let task = cluster.send(.rearrange(wish), for: nil)
    #expect(cluster.answers(task).first?.entries.first?.code == .capacity)
    #expect(cluster.sent.isEmpty)
  }

  @Test(
    "refused before anything moves",
    arguments: [
      (["a": "n9"], "unknown host 'n9': no worker of that name has ever reported", ErrorCode.destination),
      (["x": "n2"], "Domain not found: no domain with matching name 'x' runs on any host", .notFound),
      (["a": "n3"], "n3 would need 2 GiB of memory and has 1 GiB; nothing was moved", .capacity),
    ] as [([VMName: HostName], String, ErrorCode)])
  func refused(moves: [VMName: HostName], details: String, code: ErrorCode) throws {
    var cluster = Self.full()
    cluster.add("n3", memory: 1)
    let wish = VMRearrangement(moves.map { VMRearrangement.Move(vm: $0.key, destination: $0.value) })
    let task = cluster.send(.rearrange(wish), for: nil)
    let entry = try #require(cluster.answers(task).first?.entries.first)
    #expect(entry.details == details && entry.code == code)
    #expect(cluster.sent.isEmpty && cluster.machine.rearrangements.isEmpty)
  }

  @Test("a dry run tells the steps and moves nothing")
  func dryRun() throws {
    var cluster = Self.full()
    let task = cluster.send(Self.rearrange(["a": "n2", "b": "n1"], isDryRun: true), for: nil)
    #expect(cluster.answers(task).first?.details == "dry run: 2 to move")
    #expect(cluster.plans.first?.moves.map(\.stage) == [.save, nil, .restore] && cluster.plans[0].state == .planned)
    #expect(cluster.sent.isEmpty && cluster.machine.rearrangements.isEmpty)
  }

  @Test("'migrate vm' at the coordinator finds the machine's host, and answers flat")
  func migrate() throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.send(.migrate(VMMigration(vm: "a", destination: "n2", type: .warm)), for: nil)
    #expect(cluster.sent == ["a:n1>n2"])
    cluster.complete("a")
    let answer = try #require(cluster.answers(task).first)
    #expect(answer.title == .vmMigrated && answer.entries == [VMOutcome(vm: "a", details: "0")])
  }

  @Test("its hosts are not emptied meanwhile, and its room is nobody else's")
  func reserved() {
    var cluster = Coordination([:])
    cluster.add("n1", memory: 4, [.sample("a", memory: 3)])
    cluster.add("n2", memory: 4)
    cluster.add("n3", memory: 4, [.sample("b", memory: 3)])
    cluster.send(Self.rearrange(["a": "n2"]), for: nil)
    let busy = cluster.evacuate("n1")
    #expect(cluster.answers(busy).first?.code == .wrongState)
    let task = cluster.evacuate("n3", NodeEvacuation(destinations: ["n2"]))
    #expect(cluster.answers(task).map(\.status) == [.infeasible])
  }

  @Test("a worker that is lost: where its machine is, is not known")
  func lost() throws {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    let task = cluster.send(Self.rearrange(["a": "n2"]), for: nil)
    cluster.lose("n1")
    cluster.pass(.seconds(75))
    let entry = try #require(cluster.answers(task).first?.entries.first)
    #expect(entry.code == .noWorker && entry.details?.hasSuffix("whether a moved is not known") == true)
  }
}
