import ClusterModel
import CoordinatorCore
import Testing

@Suite("Planning an evacuation")
struct PlannerTests {
  /// What a table row gives and expects; the source is always `n1`.
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var vms: [VirtualMachine]
    var hosts: [ClusterSnapshot.Host]
    var destinations: [HostName] = []
    var overbooking = false
    /// "a>n2 b>n3"
    var moves: String
    var homeless: [VMName] = []

    func plan(_ mode: PlacementMode) -> Plan {
      Planner.plan(
        EvacuationRequest(source: "n1", destinations: destinations, mode: mode, overbooking: overbooking),
        on: ClusterSnapshot(hosts: [.sample("n1", 64, 32, vms)] + hosts))
    }
  }

  static func four(_ memory: Int = 2, _ vcpus: Int = 1) -> [VirtualMachine] {
    ["a", "b", "c", "d"].map { .sample($0, memory: memory, vcpus: vcpus) }
  }

  @Test(
    "auto keeps the fullest receiving host as little full as possible",
    arguments: [
      Case(
        testDescription: "equal hosts share", vms: four(),
        hosts: [.sample("n2", 16, 16), .sample("n3", 16, 16)], moves: "a>n2 b>n3 c>n2 d>n3"),
      Case(
        testDescription: "a larger host takes more", vms: four(),
        hosts: [.sample("n2", 48, 48), .sample("n3", 16, 16)], moves: "a>n2 b>n2 c>n2 d>n3"),
      Case(
        testDescription: "what a host has already counts", vms: [.sample("a", memory: 2)],
        hosts: [.sample("n2", 16, 16, [.sample("x", memory: 8)]), .sample("n3", 16, 16)], moves: "a>n3"),
      Case(
        testDescription: "CPUs count like memory", vms: [.sample("a", memory: 1, vcpus: 4)],
        hosts: [.sample("n2", 64, 8), .sample("n3", 8, 64)], moves: "a>n3"),
      Case(
        testDescription: "the largest is placed first", vms: [.sample("small"), .sample("large", memory: 8)],
        hosts: [.sample("n2", 8, 8), .sample("n3", 4, 8)], moves: "large>n2 small>n3"),
    ])
  func auto(_ row: Case) { check(row, .auto) }

  @Test(
    "compact fills host after host",
    arguments: [
      Case(
        testDescription: "one host is enough", vms: four(),
        hosts: [.sample("n2", 8, 8), .sample("n3", 64, 64)], moves: "a>n2 b>n2 c>n2 d>n2"),
      Case(
        testDescription: "the next takes the rest", vms: four(),
        hosts: [.sample("n2", 4, 8), .sample("n3", 64, 64)], moves: "a>n2 b>n2 c>n3 d>n3"),
      Case(
        testDescription: "the list's order counts", vms: four(),
        hosts: [.sample("n2", 8, 8), .sample("n3", 8, 8)], destinations: ["n3", "n2"],
        moves: "a>n3 b>n3 c>n3 d>n3"),
      Case(
        testDescription: "a host named twice is one host", vms: four(),
        hosts: [.sample("n2", 6, 8), .sample("n3", 8, 8)], destinations: ["n2", "n2", "n3"],
        moves: "a>n2 b>n2 c>n2 d>n3"),
    ])
  func compact(_ row: Case) { check(row, .compact) }

  @Test(
    "scatter gives each destination as many machines",
    arguments: [
      Case(
        testDescription: "equal counts although the sizes differ", vms: four(),
        hosts: [.sample("n2", 64, 64), .sample("n3", 4, 4)], moves: "a>n2 b>n3 c>n2 d>n3"),
      Case(
        testDescription: "only what is received counts", vms: four(),
        hosts: [.sample("n2", 64, 64, [.sample("x"), .sample("y")]), .sample("n3", 64, 64)],
        moves: "a>n3 b>n2 c>n3 d>n2"),
      Case(
        testDescription: "a full host drops out", vms: four(),
        hosts: [.sample("n2", 64, 64), .sample("n3", 2, 4)], moves: "a>n2 b>n3 c>n2 d>n2"),
    ])
  func scatter(_ row: Case) { check(row, .scatter) }

  @Test(
    "CPUs are overbooked only when asked, as a last resort, as little as possible, and memory never",
    arguments: [
      Case(
        testDescription: "not without asking", vms: four(1, 4), hosts: [.sample("n2", 64, 8)], moves: "a>n2 b>n2",
        homeless: ["c", "d"]),
      Case(
        testDescription: "when asked", vms: four(1, 4), hosts: [.sample("n2", 64, 8)], overbooking: true,
        moves: "a>n2 b>n2 c>n2 d>n2"),
      Case(
        testDescription: "not while there is a place elsewhere", vms: [.sample("a", vcpus: 4)],
        hosts: [.sample("n2", 64, 2), .sample("n3", 64, 4, [.sample("x", memory: 60, vcpus: 0)])],
        overbooking: true, moves: "a>n3"),
      Case(
        testDescription: "not memory, although asked", vms: [.sample("a", memory: 9)], hosts: [.sample("n2", 8, 8)],
        overbooking: true, moves: "", homeless: ["a"]),
      Case(
        testDescription: "memory that is promised is not free", vms: [.sample("a", memory: 5)],
        hosts: [.sample("n2", 8, 8, reserved: (4, 0))], overbooking: true, moves: "", homeless: ["a"]),
      Case(
        testDescription: "a host that is overbooked already is left alone if another has a place",
        vms: [.sample("a", vcpus: 2)],
        hosts: [.sample("n2", 64, 4, [.sample("x", vcpus: 8)]), .sample("n3", 64, 4)], overbooking: true,
        moves: "a>n3"),
      Case(
        testDescription: "the fewest CPUs too many, not the smallest share of them", vms: [.sample("a", vcpus: 2)],
        hosts: [.sample("n2", 64, 8, [.sample("x", vcpus: 7)]), .sample("n3", 64, 64, [.sample("y", vcpus: 64)])],
        overbooking: true, moves: "a>n2"),
    ])
  func overbooking(_ row: Case) {
    for mode in PlacementMode.allCases { check(row, mode) }
  }

  @Test("a promised CPU is not free", arguments: PlacementMode.allCases)
  func reservedCPUs(mode: PlacementMode) {
    let row = Case(
      testDescription: "", vms: [.sample("a", vcpus: 2)],
      hosts: [.sample("n2", 8, 4, reserved: (0, 3)), .sample("n3", 8, 2)], moves: "a>n3")
    check(row, mode)
  }

  private func check(_ row: Case, _ mode: PlacementMode) {
    let plan = row.plan(mode)
    #expect(plan.text == row.moves, "\(mode)")
    #expect(plan.homeless == row.homeless, "\(mode)")
  }
}

@Suite("Destinations of a plan")
struct DestinationTests {
  static let draining = ClusterSnapshot.Obstacle(.absolute, "it is being emptied itself")
  static let cordoned = ClusterSnapshot.Obstacle(.unlessNamed, "cordoned")

  private func plan(
    _ hosts: [ClusterSnapshot.Host], vms: [VirtualMachine] = [.sample("a")], to destinations: [HostName] = [],
    only: Set<VMName>? = nil, excluding: Set<HostName> = []
  ) -> Plan {
    Planner.plan(
      EvacuationRequest(source: "n1", destinations: destinations),
      on: ClusterSnapshot(hosts: [.sample("n1", 64, 64, vms)] + hosts), only: only, excluding: excluding)
  }

  @Test(
    "an absolute obstacle holds always, another one unless the host is named",
    arguments: [
      (draining, [], false), (draining, ["n2"], false), (cordoned, [], false), (cordoned, ["n2"], true),
      (nil, [], true),
    ] as [(ClusterSnapshot.Obstacle?, [HostName], Bool)])
  func obstacles(_ obstacle: ClusterSnapshot.Obstacle?, named: [HostName], mayReceive: Bool) throws {
    let plan = plan([.sample("n2", 8, 8, obstacle: obstacle)], to: named)
    #expect(plan.moves.count == (mayReceive ? 1 : 0))
    if let obstacle, !mayReceive {
      let unplaced = try #require(plan.unplaced.first)
      #expect(unplaced.cause == .noDestination)
      #expect(unplaced.details == "no destination: n2: \(obstacle)")
    }
  }

  @Test("only listed hosts receive, and the source never does")
  func listed() {
    let hosts: [ClusterSnapshot.Host] = [.sample("n2", 64, 64), .sample("n3", 2, 2)]
    #expect(plan(hosts, to: ["n3"]).text == "a>n3")
    #expect(plan([], to: ["n1"]).unplaced.first?.details == "no destination: there is no other host")
    #expect(plan([]).unplaced.first?.details == "no destination: there is no other host")
  }

  @Test("a host that is not known is named in the reason")
  func unknownHost() {
    #expect(plan([], to: ["nod2"]).unplaced.first?.details == "no destination: nod2: no such host")
  }

  @Test("a mistyped host is named although another destination was looked at")
  func unknownBesideFull() throws {
    let plan = plan([.sample("n2", 8, 8)], vms: [.sample("a", memory: 9)], to: ["n2", "nod3"])
    let unplaced = try #require(plan.unplaced.first)
    #expect(unplaced.cause == .memory)
    #expect(unplaced.details.hasSuffix("; not considered: nod3: no such host"))
  }

  @Test("hosts that may not receive are named up to a number")
  func manyRefusals() {
    let hosts = (2...9).map { ClusterSnapshot.Host.sample(HostName(rawValue: "n\($0)"), 8, 8, obstacle: Self.draining) }
    #expect(
      plan(hosts + [.sample("x", 8, 8)], vms: [.sample("a", memory: 9)]).unplaced.first?.details.hasSuffix(
        "; n5: it is being emptied itself; and 4 more") == true)
  }

  @Test("an excluded host does not receive, and the reason says that it failed before")
  func excluded() {
    let hosts: [ClusterSnapshot.Host] = [.sample("n2", 8, 8), .sample("n3", 8, 8)]
    #expect(plan(hosts, excluding: ["n2"]).text == "a>n3")
    #expect(
      plan(hosts, excluding: ["n2", "n3"]).unplaced.first?.details
        == "no destination: n2: failed before; n3: failed before")
  }

  @Test("a plan can be made for some machines; the others are not in it")
  func only() {
    let plan = plan(
      [.sample("n2", 8, 8)], vms: [.sample("a"), .sample("b"), .sample("c", memory: 99)], only: ["b", "gone"])
    #expect(plan.text == "b>n2")
    #expect(plan.unplaced.isEmpty)
  }

  @Test("a machine without memory anywhere is told the best host and what is missing there")
  func missingMemory() throws {
    let plan = plan([.sample("n2", 8, 8), .sample("n3", 12, 8), .sample("n4", 4, 8)], vms: [.sample("a", memory: 16)])
    let unplaced = try #require(plan.unplaced.first)
    #expect(unplaced.cause == .memory)
    #expect(unplaced.details == "needs 16 GiB of memory; closest is n3 with 12 GiB free, 4 GiB missing")
  }

  @Test("a machine without CPUs anywhere is told the best host that has the memory")
  func missingCPUs() throws {
    let plan = plan(
      [.sample("n2", 8, 4), .sample("n3", 8, 6), .sample("n4", 1, 64)],
      vms: [.sample("a", memory: 2, vcpus: 8)])
    let unplaced = try #require(plan.unplaced.first)
    #expect(unplaced.cause == .vcpus)
    #expect(unplaced.details == "needs 8 CPUs; closest is n3 with 6 free; overbooking would allow it")
  }

  @Test("the loads tell each host before and after")
  func loads() throws {
    let plan = plan(
      [.sample("n2", 8, 8, [.sample("x", memory: 2, vcpus: 2)], reserved: (1, 1))],
      vms: [.sample("a", memory: 3, vcpus: 3), .sample("stays", memory: 50)])
    #expect(plan.loads.map(\.host) == ["n1", "n2"])
    let source = try #require(plan.loads.first)
    #expect((source.vmsBefore, source.vmsAfter) == (2, 1))
    #expect((source.memoryKiBBefore, source.memoryKiBAfter) == (gib(53), gib(50)))
    #expect((source.vcpusBefore, source.vcpusAfter) == (4, 1))
    let target = try #require(plan.loads.last)
    #expect((target.vmsBefore, target.vmsAfter) == (1, 2))
    #expect((target.memoryKiBBefore, target.memoryKiBAfter) == (gib(3), gib(6)))
    #expect((target.vcpusBefore, target.vcpusAfter) == (3, 6))
  }

  @Test("a source that is not in the cluster gives an empty plan")
  func unknownSource() {
    #expect(Planner.plan(EvacuationRequest(source: "x"), on: ClusterSnapshot(hosts: [])) == Plan())
  }
}
