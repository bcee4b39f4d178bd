/// Finds small sets of bins that have room for all items together: where few bins do, chance rarely finds them.
struct SufficientSets {
  /// Bins, those with most free memory first.
  private let order: [Int]
  private let memory: [Int]
  private let cpus: [Int]
  private let needed: (memory: Int, cpus: Int)

  /// - Parameters:
  ///   - memory: free in each bin.
  ///   - cpus: free in each bin.
  init(memory: [Int], cpus: [Int], needed: (memory: Int, cpus: Int)) {
    self.memory = memory
    self.cpus = cpus
    self.needed = needed
    order = memory.indices.sorted { memory[$0] != memory[$1] ? memory[$0] > memory[$1] : $0 < $1 }
  }

  /// Whether these bins have room for all items together.
  func isSufficient(_ bins: some Sequence<Int>) -> Bool {
    var sum = (memory: 0, cpus: 0)
    for bin in bins {
      sum.memory += memory[bin]
      sum.cpus += cpus[bin]
    }
    return sum.memory >= needed.memory && sum.cpus >= needed.cpus
  }

  /// Sets of one, two or three bins, those with most to spare first; none if that would be too many to look at.
  func all(of count: Int, limit: Int) -> [[Int]] {
    let combinations = (0..<count).reduce(1) { $0 * max(1, order.count - $1) }
    guard (1...3).contains(count), combinations <= 1_000_000 else { return [] }
    var found: [(spare: Double, bins: [Int])] = []
    var chosen: [Int] = []
    extend(&chosen, from: 0, count, (0, 0), &found)
    found.sort { $0.spare != $1.spare ? $0.spare > $1.spare : $0.bins.lexicographicallyPrecedes($1.bins) }
    return found.prefix(limit).map(\.bins)
  }

  private func extend(
    _ chosen: inout [Int], from start: Int, _ count: Int, _ sum: (memory: Int, cpus: Int),
    _ found: inout [(spare: Double, bins: [Int])]
  ) {
    guard count > 0 else {
      if sum.cpus >= needed.cpus {
        let memory = Double(sum.memory) / Double(max(1, needed.memory))
        let cpus = Double(sum.cpus) / Double(max(1, needed.cpus))
        found.append((min(memory, cpus), chosen))
      }
      return
    }
    for position in stride(from: start, to: order.count, by: 1) {
      let bin = order[position]
      // Those that follow have less.
      if sum.memory + count * memory[bin] < needed.memory { return }
      chosen.append(bin)
      extend(&chosen, from: position + 1, count - 1, (sum.memory + memory[bin], sum.cpus + cpus[bin]), &found)
      chosen.removeLast()
    }
  }
}
