import Placement

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
    let leastMemory = LeastPrice(of: cpus, prices: memory)
    let leastCPUs = LeastPrice(of: memory, prices: cpus)
    func suffices(_ level: Double) -> Bool {
      var rooms: [(memory: Int, cpus: Int)] = []
      for host in hosts {
        let memory = Int(level * Double(host.memory) + 1e-6) - host.usedMemory
        let cpus = Int(level * Double(host.cpus) + 1e-9) - host.usedCPUs
        if memory >= 0, cpus >= 0 { rooms.append((memory, cpus)) }
      }
      guard rooms.reduce(0, { $0 + $1.memory }) >= wanted.memory, rooms.reduce(0, { $0 + $1.cpus }) >= wanted.cpus
      else { return false }
      // What the hosts with much of both cannot take must fit where one of the two is scarce.
      let order = rooms.sorted { Double($0.memory) * Double($1.cpus) < Double($1.memory) * Double($0.cpus) }
      return leastMemory.allowsWhatTheOthersLeave(order.map { ($0.memory, $0.cpus) }, wanted.cpus)
        && leastCPUs.allowsWhatTheOthersLeave(order.reversed().map { ($0.cpus, $0.memory) }, wanted.memory)
    }
    var low = 0.0
    var high = 16.0
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if suffices(middle) { high = middle } else { low = middle }
    }
    return max(low, levelOfLargest(), levelOfOne())
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

  /// The largest machine of either kind has a place.
  private func levelOfOne() -> Double {
    let largest = [memory.indices.max { memory[$0] < memory[$1] }, cpus.indices.max { cpus[$0] < cpus[$1] }]
    return largest.compactMap { $0 }.reduce(0) { level, item in
      let least = hosts.reduce(Double.infinity) { least, host in
        let memory = Double(host.usedMemory + memory[item]) / Double(max(1, host.memory))
        let cpus = Double(host.usedCPUs + cpus[item]) / Double(max(1, host.cpus))
        return min(least, max(memory, cpus))
      }
      return max(level, least)
    }
  }

  /// How far from equal the numbers are at least: some hosts have no room for their part, even of the smallest.
  func imbalance(areCPUsHard: Bool) -> Int {
    let low = memory.count / max(1, hosts.count)
    let high = (memory.count + hosts.count - 1) / max(1, hosts.count)
    var missing = 0
    var taken = 0
    for host in hosts {
      var most = CaseBounds.count(of: memory, within: max(0, host.memory - host.usedMemory))
      if areCPUsHard { most = min(most, CaseBounds.count(of: cpus, within: max(0, host.cpus - host.usedCPUs))) }
      missing += max(0, low - most)
      taken += min(high, most)
    }
    return missing + max(0, memory.count - taken)
  }
}

/// The least that machines of a certain size together ask of the other kind, if they may be cut: the cheapest first.
private struct LeastPrice {
  private var sizes: [Int] = [0]
  private var prices: [Int] = [0]

  init(of sizes: [Int], prices: [Int]) {
    let order = sizes.indices.sorted {
      Double(prices[$0]) * Double(sizes[$1]) < Double(prices[$1]) * Double(sizes[$0])
    }
    for item in order {
      self.sizes.append((self.sizes.last ?? 0) + sizes[item])
      self.prices.append((self.prices.last ?? 0) + prices[item])
    }
  }

  private func price(of size: Int) -> Double {
    guard size > 0 else { return 0 }
    var low = 0
    var high = sizes.count - 1
    while low < high {
      let middle = (low + high) / 2
      if sizes[middle] < size { low = middle + 1 } else { high = middle }
    }
    guard low > 0, sizes[low] >= size else { return Double(prices.last ?? 0) }
    let part = Double(size - sizes[low - 1]) / Double(max(1, sizes[low] - sizes[low - 1]))
    return Double(prices[low - 1]) + part * Double(prices[low] - prices[low - 1])
  }

  /// Whether the first of these hosts, however many, can take what the others have no room for.
  ///
  /// - Parameters:
  ///   - rooms: of each host, for prices and for sizes.
  ///   - wanted: the sizes of all.
  func allowsWhatTheOthersLeave(_ rooms: [(price: Int, size: Int)], _ wanted: Int) -> Bool {
    var others = rooms.reduce(0) { $0 + $1.size }
    var room = 0
    for host in rooms {
      others -= host.size
      room += host.price
      // A little for rounding.
      if price(of: wanted - others) > Double(room) * (1 + 1e-9) + 1e-6 { return false }
    }
    return true
  }
}
