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
    var cpuRatio: Double?
    /// "a>n2 b>n3"
    var moves: String
    var homeless: [VMName] = []

    func plan(_ mode: PlacementMode) -> Plan {
      Planner.plan(
        EvacuationRequest(
          sources: ["n1"], destinations: destinations, mode: mode, overbooking: overbooking, cpuRatio: cpuRatio),
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
        hosts: [.sample("n2", 16, 16), .sample("n3", 16, 16)], moves: "a>n2 b>n3 c>n3 d>n2"),
      Case(
        testDescription: "a larger host takes more", vms: four(),
        hosts: [.sample("n2", 48, 48), .sample("n3", 16, 16)], moves: "a>n2 b>n2 c>n3 d>n2"),
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
    "compact takes as few hosts as possible, the earliest in the list",
    arguments: [
      Case(
        testDescription: "one host is enough", vms: four(),
        hosts: [.sample("n2", 8, 8), .sample("n3", 64, 64)], moves: "a>n2 b>n2 c>n2 d>n2"),
      Case(
        testDescription: "a host for all goes before an earlier one for some", vms: four(),
        hosts: [.sample("n2", 4, 8), .sample("n3", 64, 64)], moves: "a>n3 b>n3 c>n3 d>n3"),
      Case(
        testDescription: "the list's order counts", vms: four(),
        hosts: [.sample("n2", 8, 8), .sample("n3", 8, 8)], destinations: ["n3", "n2"],
        moves: "a>n3 b>n3 c>n3 d>n3"),
      Case(
        testDescription: "a host named twice is one host, and does not come first twice", vms: four(),
        hosts: [.sample("n2", 6, 8), .sample("n3", 8, 8)], destinations: ["n2", "n2", "n3"],
        moves: "a>n3 b>n3 c>n3 d>n3"),
    ])
  func compact(_ row: Case) { check(row, .compact) }

  @Test(
    "scatter gives each destination as many machines",
    arguments: [
      Case(
        testDescription: "equal counts although the sizes differ", vms: four(),
        hosts: [.sample("n2", 64, 64), .sample("n3", 4, 4)], moves: "a>n2 b>n2 c>n3 d>n3"),
      Case(
        testDescription: "only what is received counts", vms: four(),
        hosts: [.sample("n2", 64, 64, [.sample("x"), .sample("y")]), .sample("n3", 64, 64)],
        moves: "a>n3 b>n3 c>n2 d>n2"),
      Case(
        testDescription: "a full host drops out", vms: four(),
        hosts: [.sample("n2", 64, 64), .sample("n3", 2, 4)], moves: "a>n2 b>n2 c>n3 d>n2"),
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
        testDescription: "no further than the ratio allows", vms: four(1, 4), hosts: [.sample("n2", 64, 8)],
        overbooking: true, cpuRatio: 1.5, moves: "a>n2 b>n2 c>n2", homeless: ["d"]),
      Case(
        testDescription: "not where there are more already than the ratio allows", vms: [.sample("a", vcpus: 1)],
        hosts: [.sample("n2", 64, 4, [.sample("x", vcpus: 7)])], overbooking: true, cpuRatio: 1.5, moves: "",
        homeless: ["a"]),
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

  @Test(
    "what forbids a host with room is said by name",
    arguments: [
      (
        ClusterSnapshot.PlacementRules(labels: ["n2": ["ib"]], requirements: ["a": ["gen2", "ib"]]),
        "requires a host with gen2, ib; closest is n2, which lacks gen2"
      ),
      (
        ClusterSnapshot.PlacementRules(antiAffinity: [
          .init(scope: .host, vms: ["a", "x"]), .init(scope: .host, vms: ["a", "y"]),
        ]),
        "room on n2, but x is there, and the two must not share a host"
      ),
      (
        ClusterSnapshot.PlacementRules(
          racks: ["n2": "r1", "n3": "r1"], antiAffinity: [.init(scope: .rack, vms: ["a", "y"])]),
        "room on n2, but y is in its rack r1, and the two must not share a rack"
      ),
      (
        ClusterSnapshot.PlacementRules(labels: ["n3": ["ib"]], requirements: ["a": ["ib"]]),
        "needs 2 GiB of memory; closest is n3 with 1 GiB free, 1 GiB missing"
      ),
    ])
  func reasons(rules: ClusterSnapshot.PlacementRules, details: String) {
    let cluster = ClusterSnapshot(
      hosts: [
        .sample("n1", 8, 8, [.sample("a", memory: 2)]), .sample("n2", 8, 8, [.sample("x")]),
        .sample("n3", 2, 4, [.sample("y")]),
      ], placementRules: rules)
    let plan = Planner.plan(EvacuationRequest(sources: ["n1"]), on: cluster)
    #expect(plan.unplaced.map(\.details) == [details])
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
