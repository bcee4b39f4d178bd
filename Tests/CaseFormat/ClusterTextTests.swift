import CaseFormat
import ClusterModel
import Placement
import Testing

@Suite("A live cluster as a case file")
struct ClusterTextTests {
  private static func vm(_ name: VMName, _ gib: Int, uuid: String? = nil) -> VirtualMachine {
    VirtualMachine(name: name, uuid: uuid ?? "uuid-\(name)", state: .running, memoryKiB: gib << 20, vcpus: 2)
  }

  private static let cluster: ClusterSnapshot = {
    let capacity = HostCapacity(memoryKiB: 32 << 20, cpus: 8)
    let fast = HostCapacity(memoryKiB: 32 << 20, cpus: 8, bandwidthMiB: 4096, rack: "r1", labels: ["gen2"])
    return ClusterSnapshot(
      hosts: [
        .init(name: "n1", capacity: capacity, vms: [vm("a", 4), vm("b \"x\"", 8)]),
        .init(name: "n2", capacity: fast, vms: [vm("c", 4)], reservedMemoryKiB: 2 << 20, reservedVCPUs: 1),
        .init(name: "n3", capacity: capacity, vms: [], obstacle: .init(.unlessNamed, "cordoned")),
        .init(
          name: "n4", capacity: capacity, vms: [vm("c", 4), vm("a", 1, uuid: "another")],
          obstacle: .init(.absolute, "its worker is offline")),
        .init(name: "n5", capacity: capacity, vms: []),
      ],
      placementRules: ClusterSnapshot.PlacementRules(
        labels: ["n2": ["gen2"]], requirements: ["a": ["gen2"]], racks: ["n2": "r1"],
        antiAffinity: [.init(scope: .rack, vms: ["a", "c"])]),
      outgoingMigrations: 3, incomingMigrations: 4)
  }()

  private func read(_ wish: EvacuationWish) throws -> PlanningCase {
    try PlanningCase(json: Array(ClusterText.json(Self.cluster, name: "now", wish: wish).utf8))
  }

  @Test("hosts keep their size, links and slots; what is promised is taken off")
  func hosts() throws {
    let read = try read(EvacuationWish(sources: ["n1"]))
    #expect(read.name == "now")
    #expect(read.hostNames == ["n1", "n2", "n3", "n4", "n5"])
    #expect(read.problem.hosts[1].memory == 30 << 20)
    #expect(read.problem.hosts[1].cpus == 7)
    #expect(read.problem.hosts[1].bandwidth == 4096 << 20)
    #expect(read.problem.hosts.map(\.inbound) == [4, 4, 4, 4, 4])
    #expect(read.problem.hosts.map(\.outbound) == [3, 3, 3, 3, 3])
    #expect(read.closed == [nil, nil, "cordoned", "its worker is offline", nil])
  }

  @Test("a machine that two hosts show is on the one that is there; others of the same name get another")
  func machines() throws {
    let read = try read(EvacuationWish(sources: ["n1"]))
    #expect(read.vmNames == ["a", "b \"x\"", "c", "a on n4"])
    #expect(read.problem.vms.map(\.host) == [0, 0, 1, 3])
    #expect(read.problem.groups.map(\.vms) == [[0, 2]])
  }

  @Test("without destinations every open host but the sources is one; a named one may be closed")
  func destinations() throws {
    func destinations(_ wish: EvacuationWish) throws -> [Int] {
      guard case .evacuate(let evacuation) = try read(wish).problem.task else { return [] }
      return evacuation.destinations
    }
    #expect(try destinations(EvacuationWish(sources: ["n1"])) == [1, 4])
    #expect(try destinations(EvacuationWish(sources: ["n1", "n5"])) == [1])
    #expect(try destinations(EvacuationWish(sources: ["n1"], destinations: ["n3", "n2"])) == [2, 1])
  }

  @Test("another wish can be tried on the same file, for several hosts at once")
  func anotherWish() throws {
    let planningCase = try read(EvacuationWish(sources: []))
    let wish = EvacuationWish(sources: ["n1", "n2"], mode: .compact, overbooking: true, movesOthers: true)
    guard case .evacuate(let evacuation) = try planningCase.evacuating(wish).problem.task else {
      Issue.record("no evacuation")
      return
    }
    #expect(evacuation.moving == [0, 1, 2])
    #expect(evacuation.destinations == [4])
    #expect(evacuation.mode == .compact)
    #expect(evacuation.overbooking && evacuation.movesOthers)
    #expect { try planningCase.evacuating(EvacuationWish(sources: ["n9"])) } throws: { "\($0)" == "unknown host n9" }
  }

  @Test("a CPU ratio is written and read", arguments: [1, 1.5, 2.125])
  func ratio(ratio: Double) throws {
    let wish = EvacuationWish(sources: ["n1"], overbooking: true, cpuRatio: ratio)
    for planningCase in [try read(wish), try read(EvacuationWish(sources: ["n1"])).evacuating(wish)] {
      guard case .evacuate(let evacuation) = planningCase.problem.task else {
        Issue.record("no evacuation")
        return
      }
      #expect(evacuation.cpuRatio == ratio)
    }
  }

  @Test("a plan's summary counts hosts before and after, and scores it")
  func summary() throws {
    let planningCase = try read(EvacuationWish(sources: ["n1"], destinations: ["n2", "n5"]))
    let solution = PlacementEngine.solve(planningCase.problem, budget: Budget(milliseconds: 1))
    let summary = PlanSummary(solution, of: planningCase)
    #expect(summary.loads.map(\.host) == ["n1", "n5"])
    #expect(summary.loads.map(\.vmsBefore) == [2, 0])
    #expect(summary.loads.map(\.vmsAfter) == [1, 1])
    #expect(summary.loads[1].memoryKiBAfter == 8 << 20)
    // c is in the only rack that a may go to.
    #expect(summary.score.unplaced == 1)
    #expect(summary.score.receivingHosts == 1)
    #expect(summary.score.fewestReceived == 1)
    #expect(summary.score.mostReceived == 1)
    #expect(summary.score.highestShare == 0.25)
    #expect(summary.score.seconds == Double(solution.makespan) / 1e6)
    let text = PlanText.json(solution, of: planningCase, seconds: 0)
    #expect(text.contains(#"{"name":"n5","vms":[0,1],"memory":[0,8388608],"vcpus":[0,2]}"#))
    #expect(text.contains(#""score":{"unplaced":1,"extraMoves":0,"suspends":0,"overbooked":0,"hostsUsed":1"#))
  }
}
