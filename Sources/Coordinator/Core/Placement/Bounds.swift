/// What no arrangement can beat; a search that gets there stops.
enum Bounds {
  /// The least highest share: everything spread like water, and each large item where it raises least.
  static func highestShare(_ ledger: Ledger, items: [Int]) -> Double {
    var memory = 0
    var cpus = 0
    var largest = (memory: -1, cpus: -1)
    for item in items {
      memory += ledger.memoryOf[item]
      cpus += ledger.cpusOf[item]
      if largest.memory < 0 || ledger.memoryOf[item] > ledger.memoryOf[largest.memory] { largest.memory = item }
      if largest.cpus < 0 || ledger.cpusOf[item] > ledger.cpusOf[largest.cpus] { largest.cpus = item }
    }
    guard largest.memory >= 0 else { return 0 }
    var level = max(
      waterLevel(used: ledger.memory, inverse: ledger.memoryInverse, adding: memory),
      waterLevel(used: ledger.cpus, inverse: ledger.cpuInverse, adding: cpus))
    for item in Set([largest.memory, largest.cpus]) {
      var least = Double.infinity
      for bin in 0..<ledger.binCount where ledger.constraints.isAllowed(item, bin) {
        least = min(least, ledger.share(bin, with: item))
      }
      if least.isFinite { level = max(level, least) }
    }
    return level
  }

  /// The share up to which the bins must be filled to hold so much more.
  private static func waterLevel(used: [Int], inverse: [Double], adding total: Int) -> Double {
    var bins = used.indices.map { (level: Double(used[$0]) * inverse[$0], capacity: 1 / inverse[$0]) }
    bins.sort { $0.level < $1.level }
    var capacity = 0.0
    var filled = 0.0
    for (position, bin) in bins.enumerated() {
      capacity += bin.capacity
      filled += bin.level * bin.capacity
      let level = (Double(total) + filled) / capacity
      if position + 1 == bins.count || level <= bins[position + 1].level { return level }
    }
    return .infinity
  }

  /// The most items whose sum is within `room`.
  static func countFitting(_ sizes: [Int], in room: Int) -> Int {
    var sum = 0
    var count = 0
    for size in sizes.sorted() {
      sum += size
      if sum > room { break }
      count += 1
    }
    return count
  }

  /// No arrangement of all items overbooks fewer CPUs.
  static func overbooked(_ ledger: Ledger) -> Int {
    let free = (0..<ledger.binCount).reduce(0) { $0 + max(0, ledger.cpuFair[$1] - ledger.cpus[$1]) }
    return max(0, ledger.cpusOf.reduce(0, +) - free)
  }

  /// No arrangement leaves fewer unplaced.
  static func unplaced(_ ledger: Ledger) -> Int {
    let freeMemory = (0..<ledger.binCount).map { max(0, ledger.freeMemory($0)) }
    let freeCPUs = (0..<ledger.binCount).map { max(0, ledger.cpuLimit[$0] - ledger.cpus[$0]) }
    let largestMemory = freeMemory.max() ?? 0
    let largestCPUs = freeCPUs.max() ?? 0
    let tooLarge = ledger.memoryOf.indices.count {
      ledger.memoryOf[$0] > largestMemory || ledger.cpusOf[$0] > largestCPUs
    }
    return max(
      tooLarge,
      ledger.itemCount - countFitting(ledger.memoryOf, in: freeMemory.reduce(0, +)),
      ledger.itemCount - countFitting(ledger.cpusOf, in: freeCPUs.reduce(0) { min($0 + $1, 1 << 60) }))
  }
}
