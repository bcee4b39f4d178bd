import ClusterModel
import CoordinatorCore
import Testing

@Suite("Destinations of a plan")
struct DestinationTests {
  static let draining = ClusterSnapshot.Obstacle(.absolute, "it is being emptied itself")
  static let cordoned = ClusterSnapshot.Obstacle(.unlessNamed, "cordoned")

  private func plan(
    _ hosts: [ClusterSnapshot.Host], vms: [VirtualMachine] = [.sample("a")], to destinations: [HostName] = [],
    only: Set<String>? = nil, excluding: Set<HostName> = []
  ) -> Plan {
    Planner.plan(
      EvacuationRequest(sources: ["n1"], destinations: destinations),
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
      [.sample("n2", 8, 8)], vms: [.sample("a"), .sample("b"), .sample("c", memory: 99)], only: ["uuid-b", "gone"])
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

  @Test("what a CPU ratio forbids is told, with the CPUs that it leaves")
  func missingRatio() throws {
    let request = EvacuationRequest(sources: ["n1"], overbooking: true, cpuRatio: 1.5)
    let hosts: [ClusterSnapshot.Host] = [
      .sample("n1", 64, 64, [.sample("a", vcpus: 8)]), .sample("n2", 8, 4), .sample("n3", 8, 4, [.sample("x")]),
    ]
    let unplaced = try #require(Planner.plan(request, on: ClusterSnapshot(hosts: hosts)).unplaced.first)
    #expect(unplaced.cause == .vcpus)
    #expect(unplaced.details == "needs 8 CPUs; closest is n2 with 6 free; a higher cpu-ratio would allow it")
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
    #expect(Planner.plan(EvacuationRequest(sources: ["x"]), on: ClusterSnapshot(hosts: [])) == Plan())
  }
}
