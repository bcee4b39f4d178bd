import ClusterModel
import Placement

/// Clusters for tests, the same for the same seed: SplitMix64 decides.
struct RandomClusters {
  private var state: UInt64

  init(seed: Int) {
    state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
  }

  mutating func below(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
  }

  static let gib = 1024 * 1024

  /// An evacuation with everything that can go wrong: tight memory, labels, groups, cells, overbooked hosts.
  mutating func evacuation(_ mode: PlacementMode, overbooking: Bool, movesOthers: Bool = false) -> Problem {
    let hostCount = 3 + below(8)
    let sourceCount = 1 + below(2)
    let hasCells = below(3) == 0
    var hosts: [Problem.Host] = []
    var cells: [Problem.Cell] = []
    for _ in 0..<hostCount {
      let memory = (16 + 8 * below(5)) * RandomClusters.gib
      let cpus = 8 + 4 * below(4)
      var host = Problem.Host(
        memory: memory, cpus: cpus, bandwidth: 1_250_000_000, inbound: 1 + below(3), outbound: 1 + below(3),
        rack: below(3))
      if hasCells {
        host.firstCell = cells.count
        host.cellCount = 2
        cells += [Problem.Cell](repeating: Problem.Cell(memory: memory / 2, cpus: cpus / 2), count: 2)
      }
      hosts.append(host)
    }
    var free = hosts.map(\.memory)
    var freeOfCells = cells.map(\.memory)
    var vms: [Problem.VM] = []
    for _ in 0..<hostCount * (2 + below(8)) {
      let memory = (1 + below(16)) * RandomClusters.gib / (1 + below(2))
      let host = below(hostCount)
      guard free[host] >= memory else { continue }
      var vm = Problem.VM(memory: memory, vcpus: 1 + below(6), host: host, dirty: below(3) * 100_000_000)
      if hasCells, below(3) == 0 {
        let cell = below(2)
        guard freeOfCells[hosts[host].firstCell + cell] >= memory else { continue }
        freeOfCells[hosts[host].firstCell + cell] -= memory
        vm.isInOneCell = true
        vm.cell = cell
      }
      free[host] -= memory
      if below(4) == 0 { vm.requirement = 1 }
      vms.append(vm)
    }
    var groups: [Problem.Group] = []
    for _ in 0..<below(3) where vms.count > 4 {
      let members = Set((0..<2 + below(3)).map { _ in below(vms.count) })
      groups.append(Problem.Group(isByRack: below(2) == 0, vms: members.sorted()))
    }
    let allowed = [Bool](repeating: true, count: hostCount) + (0..<hostCount).map { $0 % 2 == 0 }
    return Problem(
      hosts: hosts, cells: cells, vms: vms, groups: groups, allowed: allowed,
      task: .evacuate(
        Problem.Evacuation(
          moving: vms.indices.filter { vms[$0].host < sourceCount }, destinations: Array(sourceCount..<hostCount),
          mode: mode, overbooking: overbooking, movesOthers: movesOthers)))
  }

  /// Full hosts whose machines change places in cycles.
  mutating func cycles(storage: Int, spare: Int) -> Problem {
    let hostCount = 3 + below(5)
    let sizes = [2, 4, 8].map { $0 * RandomClusters.gib }
    var vms: [Problem.VM] = []
    var used = [Int](repeating: 0, count: hostCount)
    for host in 0..<hostCount {
      for _ in 0..<3 + below(4) {
        let memory = sizes[below(3)]
        vms.append(Problem.VM(memory: memory, vcpus: 1, host: host))
        used[host] += memory
      }
    }
    var hosts = used.map { Problem.Host(memory: $0, cpus: 64, inbound: 1 + below(2), outbound: 1 + below(2)) }
    if spare > 0 { hosts.append(Problem.Host(memory: spare, cpus: 64)) }
    var mapping: [(vm: Int, destination: Int)] = []
    for size in sizes {
      let members = vms.indices.filter { vms[$0].memory == size && below(3) > 0 }
      for (position, vm) in members.enumerated() {
        let destination = vms[members[(position + 1) % members.count]].host
        if destination != vms[vm].host { mapping.append((vm, destination)) }
      }
    }
    return Problem(
      hosts: hosts, vms: vms, task: .rearrange(mapping), storage: storage, mayBounce: spare > 0)
  }

  /// Pairs of full hosts; in each pair two machines of one size change places.
  mutating func swaps(count: Int) -> Problem {
    var hosts: [Problem.Host] = []
    var vms: [Problem.VM] = []
    var mapping: [(vm: Int, destination: Int)] = []
    for _ in 0..<count {
      let memory = (1 + below(8)) * RandomClusters.gib
      for host in [hosts.count, hosts.count + 1] {
        hosts.append(Problem.Host(memory: memory + RandomClusters.gib, cpus: 8))
        mapping.append((vms.count, host ^ 1))
        vms.append(Problem.VM(memory: memory, vcpus: 1, host: host))
        vms.append(Problem.VM(memory: RandomClusters.gib, vcpus: 1, host: host))
      }
    }
    return Problem(hosts: hosts, vms: vms, task: .rearrange(mapping), storage: 500_000_000)
  }
}
