/// Finds the items of a small pool that fill one bin best, to the last byte if they can.
struct SubsetFilling {
  private var pool: [Int] = []
  /// Memory of this item and all after it.
  private var rest: [Int] = []
  private var chosen: [Int] = []
  private var best: [Int] = []
  private var bestMemory = 0
  private var nodes = 0

  /// Subsets that are looked at for one bin.
  private static let limit = 1500

  /// Places the best subset of `candidates` in the bin.
  mutating func fill(_ bin: Int, from candidates: [Int], _ ledger: inout Ledger, _ steps: inout Int) {
    pool.removeAll(keepingCapacity: true)
    for item in candidates where ledger.bin[item] < 0 && ledger.fits(item, bin) { pool.append(item) }
    pool.sort { ledger.memoryOf[$0] != ledger.memoryOf[$1] ? ledger.memoryOf[$0] > ledger.memoryOf[$1] : $0 < $1 }
    if pool.count > 24 { pool.removeLast(pool.count - 24) }
    rest = [Int](repeating: 0, count: pool.count + 1)
    for position in pool.indices.reversed() { rest[position] = rest[position + 1] + ledger.memoryOf[pool[position]] }
    chosen.removeAll(keepingCapacity: true)
    best.removeAll(keepingCapacity: true)
    bestMemory = 0
    nodes = 0
    search(0, ledger.freeMemory(bin), ledger.cpuLimit[bin] - ledger.cpus[bin], 0, ledger)
    steps -= nodes
    for item in best where ledger.fits(item, bin) { ledger.place(item, bin) }
  }

  private mutating func search(_ position: Int, _ room: Int, _ cpus: Int, _ used: Int, _ ledger: Ledger) {
    nodes += 1
    if used > bestMemory {
      bestMemory = used
      best = chosen
    }
    guard position < pool.count, room > 0, used + rest[position] > bestMemory, nodes < SubsetFilling.limit else {
      return
    }
    let item = pool[position]
    if ledger.memoryOf[item] <= room, ledger.cpusOf[item] <= cpus {
      chosen.append(item)
      search(
        position + 1, room - ledger.memoryOf[item], cpus - ledger.cpusOf[item], used + ledger.memoryOf[item], ledger)
      chosen.removeLast()
      // Filled to the last byte.
      if bestMemory == used + room { return }
    }
    search(position + 1, room, cpus, used, ledger)
  }
}
