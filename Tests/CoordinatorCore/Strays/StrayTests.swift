import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

@Suite("Machines on more than one host")
struct StrayTests {
  /// Runs on n1; n2 has its definition.
  private func leftBehind() -> Coordination {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.handle(.caughtUp)
    cluster.define("a", on: "n2")
    return cluster
  }

  private static let definition = StrayCopy(
    name: "a", uuid: "uuid-a", isActive: false, others: [StrayCopy.Other(host: "n1", name: "a", isActive: true)])

  @Test("a definition on a second host is told once: as an event, and on its host's node topic; and that it is gone")
  func leftover() {
    var cluster = leftBehind()
    cluster.pass(.seconds(59))
    #expect(cluster.reads == 0 && cluster.strayNotes.isEmpty)
    cluster.pass(.seconds(1))
    #expect(cluster.reads == 1 && cluster.strayNotes.isEmpty, "not before everything has been read")
    cluster.handle(.caughtUp)
    #expect(
      cluster.strayNotes == [
        Note(
          .warning, "a machine is defined on a host while it runs on another",
          ["vm": "a", "uuid": "uuid-a", "runs-on": "n1", "defined-on": "n2"])
      ])
    #expect(cluster.strays(on: "n2") == [Self.definition])
    #expect(cluster.strays(on: "n1") == [], "the one that runs is none")
    cluster.report("n1", "n2")
    cluster.pass(.seconds(1000))
    cluster.handle(.caughtUp)
    #expect(cluster.strayNotes.count == 1 && cluster.reads == 1)
    cluster.vms["n2"] = []
    cluster.report("n2")
    #expect(cluster.strayNotes.count == 2)
    #expect(cluster.strayNotes.last?.message == "a machine is on one host only again")
    #expect(cluster.strayNotes.last?.level == .info)
    #expect(cluster.strays(on: "n2") == [])
    #expect(cluster.machine.strays.isEmpty)
  }

  @Test(
    "what is told depends on how many are active",
    arguments: [
      (.running, .running, "a machine runs on several hosts", 2),
      (.paused, .other, "a machine runs on several hosts", 2),
      (.running, .crashed, "a machine is defined on a host while it runs on another", 1),
      (.shutOff, .shutOff, "a machine is defined on several hosts", 2),
      (.shutOff, .crashed, "a machine is defined on several hosts", 2),
    ] as [(VirtualMachine.State, VirtualMachine.State, String, Int)])
  func kinds(_ one: VirtualMachine.State, _ other: VirtualMachine.State, _ message: String, _ copies: Int) {
    var cluster = Coordination(["n1": [], "n2": [], "n3": []])
    cluster.handle(.caughtUp)
    cluster.define("a", on: "n1", state: one)
    cluster.define("a", on: "n2", state: other)
    cluster.confirmStrays()
    #expect(cluster.strayNotes.map(\.message) == [message])
    #expect(cluster.strays(on: "n1").count + cluster.strays(on: "n2").count == copies)
  }

  @Test("one machine under two names is found by its UUID; two machines of one name are none")
  func names() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.handle(.caughtUp)
    cluster.vms["n2"] = [.sample("b", uuid: "uuid-a"), .sample("a", uuid: "uuid-other")]
    cluster.report("n2")
    cluster.confirmStrays()
    #expect(cluster.strayNotes.map { $0.metadata["vm"] } == ["a b"])
    #expect(cluster.strays(on: "n2").map(\.name) == ["b"])
    #expect(cluster.strays(on: "n1").map(\.others) == [[StrayCopy.Other(host: "n2", name: "b", isActive: true)]])
  }

  @Test("when it becomes another kind of stray, that is told too")
  func change() {
    var cluster = leftBehind()
    cluster.confirmStrays()
    cluster.define("a", on: "n1", state: .shutOff)
    cluster.confirmStrays()
    cluster.define("a", on: "n3", state: .shutOff)
    cluster.confirmStrays()
    #expect(cluster.strayNotes.map { $0.metadata["defined-on"] } == ["n2", "n1 n2", "n1 n2 n3"])
    cluster.define("a", on: "n1", state: .paused)
    cluster.confirmStrays()
    cluster.define("a", on: "n1", state: .running)
    cluster.confirmStrays()
    #expect(cluster.strayNotes.count == 4, "paused or running is the same")
  }

  @Test("what is there for a shorter time than a lost worker stays unnoticed is not told")
  func short() {
    var cluster = leftBehind()
    for _ in 0..<5 {
      cluster.pass(.seconds(50))
      cluster.vms["n2"] = []
      cluster.report("n2")
      cluster.pass(.seconds(20))
      cluster.define("a", on: "n2")
    }
    #expect(cluster.reads == 0)
    cluster.handle(.caughtUp)
    #expect(cluster.strayNotes.isEmpty)
  }

  @Test("a report that comes while the rest is read takes the suspicion back")
  func readUp() {
    var cluster = leftBehind()
    cluster.pass(.seconds(60))
    #expect(cluster.reads == 1)
    cluster.vms["n2"] = []
    cluster.report("n2")
    cluster.handle(.caughtUp)
    #expect(cluster.strayNotes.isEmpty)
  }

  @Test("a machine that moves by itself, one that is arriving among them, is on its way and no stray")
  func movedByOthers() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.handle(.caughtUp)
    cluster.define("a", on: "n2", state: .arriving)
    cluster.confirmStrays()
    #expect(cluster.strayNotes.isEmpty && cluster.reads == 0)
    // The rest of its memory follows it; its source keeps it until all has come.
    cluster.define("a", on: "n2", state: .running)
    for _ in 0..<100 {
      cluster.pass(.seconds(2))
      cluster.handle(.migrationProgressed(.sample("a", to: "n2")))
    }
    #expect(cluster.reads == 0)
    cluster.vms["n1"] = []
    cluster.report("n1")
    cluster.confirmStrays()
    #expect(cluster.strayNotes.isEmpty)
  }

  @Test("while the coordinator itself moves the machine, nothing is said of it; afterwards the time begins anew")
  func operation() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.handle(.caughtUp)
    cluster.evacuate("n1", NodeEvacuation(destinations: ["n2"]))
    cluster.define("a", on: "n2", state: .running)
    cluster.confirmStrays()
    #expect(cluster.strayNotes.isEmpty && cluster.reads == 0)
    cluster.answer("a")
    // Answered, and the source's report is older than the answer.
    cluster.pass(.seconds(50))
    #expect(cluster.reads == 0)
    cluster.vms["n1"] = []
    cluster.report("n1")
    cluster.confirmStrays()
    #expect(cluster.strayNotes.isEmpty && cluster.reads == 0)
  }

  @Test("an exchange and a mapping that are under way concern all of their machines")
  func otherOperations() {
    var swap = Coordination(["n1": ["a"], "n2": ["b"], "n3": []])
    swap.handle(.caughtUp)
    swap.send(.migrate(VMMigration(vm: "a", destination: "n2", partner: SwapPartner(vm: "b"))), for: "n1")
    swap.define("b", on: "n1", state: .shutOff)
    swap.confirmStrays()
    #expect(swap.strayNotes.isEmpty && swap.reads == 0)

    var mapping = Coordination(["n1": ["a"], "n2": [], "n3": []])
    mapping.handle(.caughtUp)
    mapping.send(.migrate(VMMigration(vm: "a", destination: "n2")), for: nil)
    mapping.define("a", on: "n2", state: .shutOff)
    mapping.confirmStrays()
    #expect(mapping.strayNotes.isEmpty && mapping.reads == 0)
  }

  @Test("a copy that nobody is there to confirm is none; one that was told stays until its host says otherwise")
  func absence() {
    var cluster = leftBehind()
    cluster.lose("n2")
    cluster.confirmStrays()
    #expect(cluster.strayNotes.isEmpty)
    cluster.restart("n2")
    cluster.confirmStrays()
    #expect(cluster.strayNotes.count == 1)
    cluster.lose("n2")
    cluster.pass(.seconds(500))
    cluster.report("n2", isReachable: false)
    cluster.confirmStrays()
    #expect(cluster.strayNotes.count == 1 && cluster.strays(on: "n2") == [Self.definition])
    cluster.restart("n2")
    cluster.confirmStrays()
    #expect(cluster.strayNotes.count == 1)
    cluster.vms["n2"] = []
    cluster.restart("n2")
    #expect(cluster.strayNotes.count == 2)
  }

  @Test("a machine that moved while its old host's worker is away is not taken for two that run")
  func staleReport() {
    var cluster = Coordination(["n1": ["a"], "n2": [], "n3": []])
    cluster.handle(.caughtUp)
    cluster.lose("n1")
    cluster.define("a", on: "n2", state: .running)
    cluster.confirmStrays()
    #expect(cluster.strayNotes.isEmpty && cluster.reads == 0)
  }

  @Test("before all hosts have been heard nothing is said")
  func beginning() {
    var cluster = Coordination(["n1": ["a"], "n2": []])
    cluster.define("a", on: "n2")
    cluster.pass(.seconds(500))
    #expect(cluster.reads == 0 && cluster.strayNotes.isEmpty)
  }

  @Test("the next incarnation does not tell again what still stands, and tells what is gone", arguments: [true, false])
  func recall(stands: Bool) {
    var cluster = Coordination(["n1": ["a"]])
    let node = NodeReport(host: "n2", state: .cordoned, reason: "fan", strays: [Self.definition])
    cluster.handle(.nodeRecalled(node))
    cluster.add("n2", stands ? [.sample("a", state: .shutOff)] : [])
    cluster.handle(.caughtUp)
    cluster.confirmStrays()
    #expect(cluster.strayNotes.map(\.level) == (stands ? [] : [.info]))
    // Late: the broker repeats what it had kept.
    cluster.handle(.nodeRecalled(node))
    cluster.confirmStrays()
    #expect(cluster.strayNotes.count == (stands ? 0 : 1))
    cluster.send(.uncordon, for: "n2")
    #expect(
      cluster.nodeReports("n2").last
        == NodeReport(host: "n2", state: .active, reason: "uncordoned", strays: stands ? [Self.definition] : []))
  }

  @Test("a host's state is kept when its strays are told")
  func nodeState() {
    var cluster = leftBehind()
    cluster.send(.cordon(reason: "fan"), for: "n2")
    cluster.confirmStrays()
    #expect(
      cluster.nodeReports("n2").last
        == NodeReport(host: "n2", state: .cordoned, reason: "fan", strays: [Self.definition]))
  }
}

extension Coordination {
  /// The host has the machine so, and says it.
  fileprivate mutating func define(
    _ vm: VMName, on host: HostName, state: VirtualMachine.State = .shutOff
  ) {
    vms[host, default: []].removeAll { $0.name == vm }
    vms[host, default: []].append(.sample(vm, state: state))
    report(host)
  }

  /// Long enough, and everything is read.
  fileprivate mutating func confirmStrays() {
    pass(.seconds(61))
    handle(.caughtUp)
  }

  /// How often the rest was to be read.
  fileprivate var reads: Int { effects.filter { $0 == .readUp }.count }

  fileprivate var strayNotes: [Note] {
    effects.compactMap { effect in
      if case .note(let note) = effect, note.metadata["uuid"] != nil { note } else { nil }
    }
  }

  fileprivate func nodeReports(_ host: HostName) -> [NodeReport] {
    effects.compactMap { if case .publishNode(let report) = $0, report.host == host { report } else { nil } }
  }

  /// What was told last.
  fileprivate func strays(on host: HostName) -> [StrayCopy] { nodeReports(host).last?.strays ?? [] }
}

extension MigrationProgress {
  fileprivate static func sample(_ vm: VMName, to destination: HostName) -> MigrationProgress {
    MigrationProgress(
      vm: vm, task: nil, destination: destination, phase: .copying, totalBytes: 2, doneBytes: 1, remainingBytes: 1,
      rate: 1, elapsedSeconds: 1)
  }
}
