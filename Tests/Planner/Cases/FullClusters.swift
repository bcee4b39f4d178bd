import ClusterModel
import Placement

/// Clusters without room: what must be moved can only move when something else has.
enum FullClusters {
  /// Each destination has less free memory than the smallest machine that comes: others must make room first. As each
  /// hole is below 8 GiB, no machine that may leave is larger, and each that comes is at least that, every one that comes
  /// costs one other move.
  static func repack(_ size: PlannerCase.Size, _ random: SplitMix64) -> PlannerCase {
    var random = random
    let count = [1, 3, 12, 150, 150][size.index]
    var hosts = [Problem.Host](repeating: Problem.Host(memory: 64 * gib, cpus: 64), count: size.hosts)
    var vms: [Problem.VM] = []
    for _ in 0..<count { vms.append(Problem.VM(memory: (8 + random.below(5)) * gib, vcpus: 2, host: 0)) }
    hosts[0].memory = max(64 * gib, vms.reduce(0) { $0 + $1.memory })
    for host in 1..<size.hosts {
      var room = hosts[host].memory - (5 + random.below(3)) * gib
      while room > 0 {
        let memory = min(room, [2, 2, 2, 4, 4, 4, 3, 3, 6, 8][random.below(10)] * gib)
        vms.append(Problem.VM(memory: memory, vcpus: 1, host: host))
        room -= memory
      }
    }
    let evacuation = Problem.Evacuation(
      moving: Array(0..<count), destinations: Array(1..<size.hosts), mode: .auto, overbooking: false, movesOthers: true)
    return PlannerCase(
      family: "repack", size: size, problem: Problem(hosts: hosts, vms: vms, task: .evacuate(evacuation)),
      leastExtraMoves: count)
  }

  /// Hosts full to the last byte, in groups; machines of one size change places along cycles within a group.
  ///
  /// - Parameters:
  ///   - isMixed: three sizes instead of one.
  ///   - spare: one more host has so much room; nil: none has any, and machines may be suspended.
  static func cycles(
    _ family: String, _ size: PlannerCase.Size, _ random: SplitMix64, isMixed: Bool, spare: Int?
  ) -> PlannerCase {
    var random = random
    let perGroup = [4, 4, 8, 10, 20][size.index]
    let sizes = isMixed ? [2, 4, 8] : [4]
    var hosts: [Problem.Host] = []
    var vms: [Problem.VM] = []
    var classes: [[Int]] = Array(repeating: [], count: (size.hosts / perGroup + 1) * sizes.count)
    for number in 0..<size.hosts {
      var memory = 0
      for _ in 0..<size.vms / size.hosts {
        let which = random.below(sizes.count)
        classes[number / perGroup * sizes.count + which].append(vms.count)
        vms.append(Problem.VM(memory: sizes[which] * gib, vcpus: 2, host: number))
        memory += sizes[which] * gib
      }
      hosts.append(Problem.Host(memory: memory, cpus: 2 * size.vms / size.hosts))
    }
    if let spare {
      hosts.append(Problem.Host(memory: spare, cpus: 64, bandwidth: 3_125_000_000, inbound: 4, outbound: 4))
    }
    var mapping: [(vm: Int, destination: Int)] = []
    for var members in classes where members.count > 1 {
      random.shuffle(&members)
      var start = 0
      let end = max(2, members.count * 6 / 10)
      while start + 1 < end {
        let cycle = members[start..<min(end, start + 2 + random.below(7))]
        for (vm, next) in zip(cycle, cycle.dropFirst() + cycle.prefix(1)) where vms[vm].host != vms[next].host {
          mapping.append((vm, vms[next].host))
        }
        start += cycle.count
      }
    }
    mapping.sort { $0.vm < $1.vm }
    return PlannerCase(
      family: family, size: size,
      problem: Problem(
        hosts: hosts, vms: vms, task: .rearrange(mapping), storage: spare == nil || isMixed ? 500_000_000 : 0,
        mayBounce: spare != nil))
  }

  /// Room for one machine at the end of each chain: an order that suspends nobody is there to be found.
  static func chain(_ size: PlannerCase.Size, _ random: SplitMix64) -> PlannerCase {
    var random = random
    let perHost = max(2, size.vms / size.hosts)
    var order = Array(0..<size.hosts)
    random.shuffle(&order)
    var vms: [Problem.VM] = []
    var memory = [Int](repeating: 0, count: size.hosts)
    var mapping: [(vm: Int, destination: Int)] = []
    let chains = max(1, size.hosts / 20)
    let length = size.hosts / chains
    var next = [Int](repeating: -1, count: size.hosts)
    for chain in 0..<chains {
      let path = order[chain * length..<(chain + 1) * length]
      for (host, following) in zip(path, path.dropFirst()) { next[host] = following }
      if let last = path.last { memory[last] += 8 * gib }
    }
    for host in 0..<size.hosts {
      for number in 0..<perHost {
        let isMoving = number == 0 && next[host] >= 0
        let own = isMoving ? 8 * gib : [4, 8][random.below(2)] * gib
        if isMoving { mapping.append((vms.count, next[host])) }
        vms.append(Problem.VM(memory: own, vcpus: 2, host: host))
        memory[host] += own
      }
    }
    random.shuffle(&mapping)
    return PlannerCase(
      family: "chain", size: size,
      problem: Problem(
        hosts: memory.map { Problem.Host(memory: $0, cpus: 4 * perHost) }, vms: vms, task: .rearrange(mapping),
        storage: 500_000_000, mayBounce: true),
      serial: length - 1)
  }

  /// Plenty of memory and a given mapping: only the order counts.
  ///
  /// - Parameter isUniform: all moves take as long, from one half of the hosts to the other, one at a time.
  static func order(
    _ family: String, _ size: PlannerCase.Size, _ random: SplitMix64, isUniform: Bool
  ) -> PlannerCase {
    var random = random
    let hostCount = [6, 16, 64, 1000, 10_000][size.index]
    let links = [(1_250_000_000, 2), (3_125_000_000, 3), (12_500_000_000, 8)]
    let hosts = (0..<hostCount).map { _ in
      let link = isUniform ? (1_250_000_000, 1) : links[random.below(3)]
      return Problem.Host(
        memory: 1 << 40, cpus: 1 << 20, bandwidth: link.0, inbound: link.1, outbound: link.1)
    }
    var vms: [Problem.VM] = []
    var mapping: [(vm: Int, destination: Int)] = []
    for _ in 0..<[14, 60, 1000, 20_000, 200_000][size.index] {
      let half = hostCount / 2
      let source = random.below(isUniform ? half : hostCount)
      var destination = isUniform ? half + random.below(hostCount - half) : random.below(hostCount)
      if destination == source { destination = (source + 1) % hostCount }
      let memory = isUniform ? 4 * gib : [1, 2, 2, 4, 4, 8, 16, 32][random.below(8)] * (600 + random.below(801)) * mib
      let dirty = !isUniform && random.happens(oneIn: 3) ? (1 + random.below(40)) * 10_000_000 : 0
      mapping.append((vms.count, destination))
      vms.append(Problem.VM(memory: memory, vcpus: 2, host: source, dirty: dirty))
    }
    return PlannerCase(
      family: family, size: size,
      problem: Problem(hosts: hosts, vms: vms, task: .rearrange(mapping), overhead: isUniform ? 0 : 1))
  }
}
