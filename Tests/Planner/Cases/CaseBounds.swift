public import Placement

/// What no plan can beat, by sums alone.
public struct CaseBounds: Sendable {
  public private(set) var unplaced = 0
  /// If all have a place.
  public private(set) var overbooked = 0
  /// Receiving hosts, if all have a place and no CPU is overbooked anew.
  public private(set) var hosts = 0
  /// Of the fullest receiving host, if all have a place.
  public private(set) var share = 0.0
  /// Suspends and visits to third hosts of a rearrangement: one for each part whose moves all wait for each other.
  public private(set) var lifts = 0

  public init(_ problem: Problem) {
    switch problem.task {
    case .rearrange(let mapping): lifts = Self.blockedParts(problem, mapping)
    case .evacuate(let evacuation): read(Destinations(problem, evacuation), evacuation)
    }
  }

  private mutating func read(_ room: Destinations, _ evacuation: Problem.Evacuation) {
    let freeMemory = room.hosts.map { max(0, $0.memory - $0.usedMemory) }
    let freeCPUs = room.hosts.map { max(0, $0.cpus - $0.usedCPUs) }
    let sumMemory = freeMemory.reduce(0, +)
    let sumCPUs = freeCPUs.reduce(0, +)
    unplaced = room.memory.count - Self.count(of: room.memory, within: sumMemory)
    if !evacuation.overbooking {
      unplaced = max(unplaced, room.cpus.count - Self.count(of: room.cpus, within: sumCPUs))
    }
    if !evacuation.movesOthers {
      let most = (freeMemory.max() ?? 0, freeCPUs.max() ?? 0)
      unplaced = max(
        unplaced,
        room.memory.indices.count { room.memory[$0] > most.0 || !evacuation.overbooking && room.cpus[$0] > most.1 })
    }
    guard unplaced == 0 else { return }
    let wantedMemory = room.memory.reduce(0, +)
    let wantedCPUs = room.cpus.reduce(0, +)
    if evacuation.overbooking { overbooked = max(0, wantedCPUs - sumCPUs) }
    hosts = max(Self.prefix(freeMemory, wantedMemory), Self.prefix(freeCPUs, wantedCPUs))
    share = room.level()
  }

  static func count(of sizes: [Int], within room: Int) -> Int {
    var left = room
    return sizes.sorted().prefix {
      left -= $0
      return left >= 0
    }.count
  }

  private static func prefix(_ free: [Int], _ wanted: Int) -> Int {
    var left = wanted
    var count = 0
    for room in free.sorted(by: >) where left > 0 {
      left -= room
      count += 1
    }
    return count
  }

  private static func blockedParts(_ problem: Problem, _ mapping: [(vm: Int, destination: Int)]) -> Int {
    var free = problem.hosts.map { $0.memory - $0.reservedMemory }
    for vm in problem.vms { free[vm.host] -= vm.memory }
    var part = Array(problem.hosts.indices)
    func find(_ host: Int) -> Int {
      var root = host
      while part[root] != root { root = part[root] }
      part[host] = root
      return root
    }
    for move in mapping { part[find(problem.vms[move.vm].host)] = find(move.destination) }
    var isBlocked: [Int: Bool] = [:]
    for move in mapping where problem.vms[move.vm].host != move.destination {
      let waits = free[move.destination] < problem.vms[move.vm].memory
      isBlocked[find(move.destination), default: true] = isBlocked[find(move.destination), default: true] && waits
    }
    return isBlocked.values.count { $0 }
  }
}

/// The destinations without the machines that are to come, and those.
struct Destinations {
  struct Host {
    var memory: Int
    var cpus: Int
    var usedMemory: Int
    var usedCPUs: Int
  }

  var hosts: [Host]
  /// Of the machines that are to move.
  var memory: [Int]
  var cpus: [Int]

  init(_ problem: Problem, _ evacuation: Problem.Evacuation) {
    var isMoving = [Bool](repeating: false, count: problem.vms.count)
    for vm in evacuation.moving { isMoving[vm] = true }
    var used = problem.hosts.map { (memory: $0.reservedMemory, cpus: $0.reservedCPUs) }
    for (number, vm) in problem.vms.enumerated() where !isMoving[number] {
      used[vm.host].memory += vm.memory
      used[vm.host].cpus += vm.vcpus
    }
    hosts = evacuation.destinations.map {
      Host(
        memory: problem.hosts[$0].memory, cpus: problem.hosts[$0].cpus, usedMemory: used[$0].memory,
        usedCPUs: used[$0].cpus)
    }
    memory = evacuation.moving.map { problem.vms[$0].memory }
    cpus = evacuation.moving.map { problem.vms[$0].vcpus }
  }

  /// The least share up to which the receiving hosts must be filled: whole CPUs, and only hosts that are below it.
  func level() -> Double {
    let wanted = (memory: memory.reduce(0, +), cpus: cpus.reduce(0, +))
    func suffices(_ level: Double) -> Bool {
      var room = (memory: 0, cpus: 0)
      for host in hosts {
        let memory = Int(level * Double(host.memory) + 1e-6) - host.usedMemory
        let cpus = Int(level * Double(host.cpus) + 1e-9) - host.usedCPUs
        guard memory >= 0, cpus >= 0 else { continue }
        room.memory += memory
        room.cpus += cpus
      }
      return room.memory >= wanted.memory && room.cpus >= wanted.cpus
    }
    var low = 0.0
    var high = 16.0
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if suffices(middle) { high = middle } else { low = middle }
    }
    return max(low, levelOfLargest())
  }

  /// Of the k largest two share a host, or one is on a host that is at least as full as the k-th emptiest.
  private func levelOfLargest() -> Double {
    let byMemory = hosts.sorted { $0.usedMemory * $1.memory < $1.usedMemory * $0.memory }
    guard let least = byMemory.first else { return 0 }
    // With unequal hosts only the single largest one tells for sure.
    let areEqual = hosts.allSatisfy { $0.memory == least.memory }
    var level = 0.0
    for (rank, size) in memory.sorted(by: >).prefix(areEqual ? hosts.count : 1).enumerated() {
      let apart =
        areEqual
        ? Double(byMemory[rank].usedMemory + size) / Double(least.memory)
        : hosts.map { Double($0.usedMemory + size) / Double($0.memory) }.min() ?? 0
      let together = rank == 0 ? .infinity : Double(least.usedMemory + 2 * size) / Double(least.memory)
      level = max(level, min(apart, together))
    }
    return level
  }
}
