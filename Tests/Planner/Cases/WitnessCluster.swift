import ClusterModel
import Placement

/// A cluster made backwards: first where everything is in the end, then some machines are put back on the sources. So a
/// plan that places all is known to exist.
struct WitnessCluster {
  /// What a family looks like.
  struct Shape {
    /// Of the destinations' memory and CPUs, in the end.
    var memoryFill = 0.8
    var cpuFill = 0.8
    /// Part of the hosts that are to be emptied, or their number.
    var sourceShare = 0.04
    var sourceCount: Int?
    /// Machines of any MiB instead of round sizes.
    var isOdd = true
    /// Filled to the last byte.
    var isExact = false
    /// Hosts of several generations with labels and links of their own; machines that require some, and write memory.
    var isMixed = false
    var hasCells = false
    /// Groups of machines that must not share a host, per hundred machines.
    var groupsPerHundred = 0
    /// Parts of a thousand of the destinations' memory that remain after the fact, to make it infeasible.
    var remainingMemory = 1000
    var overbooking = false
  }

  private struct Machine {
    var vm: Problem.VM
    var home: Int
  }

  /// Small machines dominate, as in clouds: weight, MiB, CPUs.
  private static let flavors = [
    (12, 1024, 1), (16, 2048, 1), (10, 2048, 2), (16, 4096, 2), (8, 8192, 2), (8, 4096, 4), (10, 8192, 4),
    (8, 16384, 4), (4, 16384, 8), (4, 32768, 8), (2, 65536, 8), (1, 65536, 16),
  ]
  /// Weight, GiB, CPUs, generation, bytes per second, slots.
  private static let generations = [
    (3, 128, 32, 1, 1_250_000_000, 2), (4, 256, 48, 2, 3_125_000_000, 4), (2, 512, 96, 2, 3_125_000_000, 4),
    (1, 1024, 128, 3, 12_500_000_000, 4),
  ]

  private var random: SplitMix64
  private let shape: Shape
  private let size: PlannerCase.Size
  private let sourceCount: Int
  private var hosts: [Problem.Host] = []
  private var generationOf: [Int] = []
  private var cells: [Problem.Cell] = []
  private var machines: [Machine] = []
  private var groups: [Problem.Group] = []

  init(_ shape: Shape, _ size: PlannerCase.Size, random: SplitMix64) {
    self.random = random
    self.shape = shape
    self.size = size
    sourceCount = shape.sourceCount ?? max(1, Int(Double(size.hosts) * shape.sourceShare))
    makeHosts()
    for host in sourceCount..<size.hosts { fill(host) }
    putBack()
    if shape.groupsPerHundred > 0 { makeGroups() }
  }

  /// The wish to empty the sources.
  func problem(_ mode: PlacementMode) -> Problem {
    var hosts = hosts
    var staying = [Int](repeating: 0, count: hosts.count)
    for machine in machines where machine.vm.host >= sourceCount { staying[machine.vm.host] += machine.vm.memory }
    for host in sourceCount..<hosts.count where shape.remainingMemory < 1000 {
      hosts[host].memory = max(hosts[host].memory * shape.remainingMemory / 1000, staying[host])
    }
    var allowed = [Bool](repeating: true, count: hosts.count)
    if shape.isMixed { for generation in 1...3 { allowed += generationOf.map { $0 >= generation } } }
    return Problem(
      hosts: hosts, cells: cells, vms: machines.map(\.vm), groups: groups, allowed: allowed,
      task: .evacuate(
        Problem.Evacuation(
          moving: machines.indices.filter { machines[$0].vm.host < sourceCount },
          destinations: Array(sourceCount..<hosts.count), mode: mode, overbooking: shape.overbooking)))
  }

  private mutating func weighted<Row>(_ rows: [Row], _ weight: (Row) -> Int) -> Row {
    var drawn = random.below(rows.reduce(0) { $0 + weight($1) })
    for row in rows {
      drawn -= weight(row)
      if drawn < 0 { return row }
    }
    return rows[0]
  }

  private mutating func makeHosts() {
    let weights = Self.flavors.reduce(0) { $0 + $1.0 }
    let meanMemory = Double(Self.flavors.reduce(0) { $0 + $1.0 * $1.1 }) * Double(mib) / Double(weights)
    let meanCPUs = Double(Self.flavors.reduce(0) { $0 + $1.0 * $1.2 }) / Double(weights)
    let each = Double(size.vms) / Double(size.hosts - sourceCount)
    let unit = 128 * mib
    let memory = max(Int(each * meanMemory / shape.memoryFill) / unit * unit, (each >= 8 ? 72 : 40) * gib)
    let cpus = max(4, Int((each * meanCPUs / shape.cpuFill).rounded())) / 2 * 2
    for number in 0..<size.hosts {
      var host = Problem.Host(memory: memory, cpus: cpus, rack: number / (size.hosts >= 200 ? 40 : 4))
      generationOf.append(1)
      if shape.isMixed {
        let row = weighted(Self.generations) { $0.0 }
        host.memory = max(Int(Double(row.1 * gib) * each / 20) / unit * unit, 16 * gib)
        host.cpus = max(4, Int(Double(row.2) * each / 20))
        host.bandwidth = row.4
        host.inbound = row.5
        host.outbound = row.5
        generationOf[number] = row.3
      }
      if shape.hasCells {
        host.firstCell = cells.count
        host.cellCount = 2
        cells += [Problem.Cell](repeating: Problem.Cell(memory: memory / 2, cpus: cpus / 2), count: 2)
      }
      hosts.append(host)
    }
  }

  private mutating func fill(_ number: Int) {
    let host = hosts[number]
    var room = Int(Double(host.memory) * shape.memoryFill)
    if !shape.isExact { room = room / mib * mib }
    var cpus = Int(Double(host.cpus) * shape.cpuFill + 1e-9)
    var halves = [Problem.Cell](
      repeating: Problem.Cell(
        memory: Int(Double(host.memory / 2) * shape.memoryFill),
        cpus: Int(Double(host.cpus / 2) * min(shape.cpuFill, 1))),
      count: 2)
    let first = machines.count
    var misses = 0
    while misses < 40 {
      let flavor = weighted(Self.flavors) { $0.0 }
      var memory = flavor.1 * mib
      if shape.isOdd { memory = flavor.1 * (600 + random.below(801)) / 1000 * mib }
      guard memory <= room, flavor.2 <= cpus else {
        misses += 1
        continue
      }
      var vm = Problem.VM(memory: memory, vcpus: flavor.2, host: number)
      if shape.hasCells, random.happens(oneIn: 2) {
        guard let half = halves.firstIndex(where: { $0.memory >= memory && $0.cpus >= flavor.2 }) else {
          misses += 1
          continue
        }
        halves[half].memory -= memory
        halves[half].cpus -= flavor.2
        vm.isInOneCell = true
        vm.cell = half
      }
      if shape.isMixed {
        if random.happens(oneIn: 4) { vm.requirement = 1 + random.below(generationOf[number]) }
        if random.happens(oneIn: 4) { vm.dirty = (1 + random.below(40)) * 10_000_000 }
      }
      room -= memory
      cpus -= flavor.2
      machines.append(Machine(vm: vm, home: number))
    }
    guard shape.isExact, room >= 256 * mib, machines.count > first else { return }
    // What is left becomes a machine, or a part of the last one.
    if cpus > 0 {
      machines.append(Machine(vm: Problem.VM(memory: room, vcpus: 1, host: number), home: number))
    } else {
      machines[machines.count - 1].vm.memory += room
    }
  }

  /// Machines in random order go to the sources while those have room.
  private mutating func putBack() {
    var order = Array(machines.indices)
    random.shuffle(&order)
    var drawn = order.makeIterator()
    // As full as the whole cluster is.
    let part = Double(size.hosts - sourceCount) / Double(size.hosts)
    for source in 0..<sourceCount {
      var memory = Int(Double(hosts[source].memory) * shape.memoryFill * part)
      var cpus = Int(Double(hosts[source].cpus) * max(1, shape.cpuFill))
      var halves = shape.hasCells ? Array(cells[hosts[source].firstCell..<hosts[source].firstCell + 2]) : []
      var misses = 0
      while misses < 12, let number = drawn.next() {
        let vm = machines[number].vm
        var half = -1
        if vm.isInOneCell {
          half = halves.firstIndex { $0.memory >= vm.memory && $0.cpus >= vm.vcpus } ?? -2
        }
        guard vm.memory <= memory, vm.vcpus <= cpus, vm.requirement <= generationOf[source], half > -2 else {
          misses += 1
          continue
        }
        memory -= vm.memory
        cpus -= vm.vcpus
        if half >= 0 {
          halves[half].memory -= vm.memory
          halves[half].cpus -= vm.vcpus
          machines[number].vm.cell = half
        }
        machines[number].vm.host = source
      }
    }
  }

  /// Groups whose members are apart now and in the end.
  private mutating func makeGroups() {
    let moving = machines.indices.filter { machines[$0].vm.host < sourceCount }
    guard !moving.isEmpty else { return }
    var isUsed = [Bool](repeating: false, count: machines.count)
    for _ in 0..<max(2, machines.count * shape.groupsPerHundred / 100) {
      let wanted = 3 + random.below(max(1, min(size.hosts - 4, 6)))
      var members: [Int] = []
      var taken: Set<Int> = []
      for _ in 0..<wanted * 40 where members.count < wanted {
        let number =
          members.isEmpty || random.happens(oneIn: 3)
          ? moving[random.below(moving.count)] : random.below(machines.count)
        let places = Set([machines[number].home, machines[number].vm.host])
        guard !isUsed[number], taken.isDisjoint(with: places) else { continue }
        taken.formUnion(places)
        isUsed[number] = true
        members.append(number)
      }
      if members.count > 1 { groups.append(Problem.Group(isByRack: false, vms: members.sorted())) }
    }
  }
}
