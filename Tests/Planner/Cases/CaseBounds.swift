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
  /// How far the received numbers are from equal, if all have a place.
  public private(set) var imbalance = 0
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
    imbalance = room.imbalance(areCPUsHard: !evacuation.overbooking)
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
