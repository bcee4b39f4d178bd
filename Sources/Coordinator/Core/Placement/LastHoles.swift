/// Places a few last items in as many bins so that hardly anything is left over, by trying all ways.
///
/// Where the holes together are only a little larger than the items, what each bin wastes is taken from the same small
/// rest: a bin has few ways then, and the last bins have one or none.
struct LastHoles {
  private var bins: [Int] = []
  private var items: [Int] = []
  private var sizes: [Int] = []
  private var cpus: [Int] = []
  private var holes: [Int] = []
  private var freeCPUs: [Int] = []
  /// Of each bin, the items that may go there, as bits.
  private var allowed: [UInt64] = []
  /// Ways of the bins that are being tried, one after another.
  private var ways: [(items: UInt64, waste: Int)] = []
  private var chosen: [UInt64] = []
  private var pool: [Int] = []
  private var rest: [Int] = []
  private var nodes = 0
  private var patience = 0

  /// Items that are looked at together.
  private static let most = 40
  /// Sets of items that are looked at in one attempt: few, because another choice of bins finds more than many do.
  private static let patiences = [2000, 2000, 2000, 10_000]

  /// Fills all bins that have room with all items that have none, if need be with some bins filled anew.
  ///
  /// - Returns: whether each item has a place; else nothing has changed.
  mutating func fill(_ ledger: inout Ledger, _ random: inout RandomSource, steps: inout Int) -> Bool {
    let before = ledger.saved
    for attempt in 0..<12 where steps > 0 {
      if attempt > 0 { takeOut(until: 32 + random.below(8), &ledger, &random, &steps) }
      makeRoomForLargest(&ledger, &random, &steps)
      patience = Self.patiences[attempt % Self.patiences.count]
      if fillAsTheyAre(&ledger, &steps) { return true }
      ledger.restore(before)
    }
    return false
  }

  /// Empties filled bins until so many items have no place.
  private func takeOut(until count: Int, _ ledger: inout Ledger, _ random: inout RandomSource, _ steps: inout Int) {
    var filled = (0..<ledger.binCount).filter { ledger.received[$0] > 0 }
    while ledger.unplacedCount < count, !filled.isEmpty {
      empty(filled.remove(at: random.below(filled.count)), &ledger, &steps)
    }
  }

  /// Empties large bins until no item is too large for what is open.
  private func makeRoomForLargest(_ ledger: inout Ledger, _ random: inout RandomSource, _ steps: inout Int) {
    while let size = firstWithoutRoom(ledger) {
      let large = (0..<ledger.binCount).filter { bin in
        ledger.received[bin] > 0
          && ledger.items(in: bin).reduce(ledger.freeMemory(bin)) { $0 + ledger.memoryOf[$1] } >= size
      }
      steps -= ledger.binCount + ledger.itemCount
      guard !large.isEmpty else { return }
      empty(large[random.below(large.count)], &ledger, &steps)
    }
  }

  /// The largest size of which there are more items than the holes can take.
  private func firstWithoutRoom(_ ledger: Ledger) -> Int? {
    let sizes = ledger.memoryOf.indices.filter { ledger.bin[$0] < 0 }.map { ledger.memoryOf[$0] }.sorted(by: >)
    for (position, size) in sizes.prefix(8).enumerated() where size > 0 {
      let places = (0..<ledger.binCount).reduce(0) {
        $0 + (ledger.isOpen[$1] ? max(0, ledger.freeMemory($1)) / size : 0)
      }
      if places <= position { return size }
    }
    return nil
  }

  private func empty(_ bin: Int, _ ledger: inout Ledger, _ steps: inout Int) {
    for item in ledger.items(in: bin) { ledger.remove(item) }
    steps -= 10
  }

  private mutating func fillAsTheyAre(_ ledger: inout Ledger, _ steps: inout Int) -> Bool {
    items = (0..<ledger.itemCount).filter { ledger.bin[$0] < 0 }
    bins = (0..<ledger.binCount).filter { ledger.isOpen[$0] && ledger.freeMemory($0) > 0 }
    guard items.count <= Self.most else { return false }
    items.sort { ledger.memoryOf[$0] != ledger.memoryOf[$1] ? ledger.memoryOf[$0] > ledger.memoryOf[$1] : $0 < $1 }
    bins.sort {
      ledger.freeMemory($0) != ledger.freeMemory($1) ? ledger.freeMemory($0) < ledger.freeMemory($1) : $0 < $1
    }
    sizes = items.map { ledger.memoryOf[$0] }
    cpus = items.map { ledger.cpusOf[$0] }
    holes = bins.map { ledger.freeMemory($0) }
    freeCPUs = bins.map { ledger.cpuLimit[$0] - ledger.cpus[$0] }
    allowed = bins.map { bin in
      items.indices.reduce(into: UInt64(0)) { if ledger.fits(items[$1], bin) { $0 |= 1 << UInt64($1) } }
    }
    let slack = holes.reduce(0, +) - sizes.reduce(0, +)
    guard slack >= 0 else { return false }
    chosen = [UInt64](repeating: 0, count: bins.count)
    nodes = 0
    ways.removeAll(keepingCapacity: true)
    let isFilled = search(0, (1 << UInt64(items.count)) - 1, slack)
    steps -= 2 * nodes + bins.count * items.count
    return isFilled && place(&ledger)
  }

  private func place(_ ledger: inout Ledger) -> Bool {
    for (number, bin) in bins.enumerated() {
      for position in items.indices where chosen[number] & (1 << UInt64(position)) != 0 {
        // Two of one group, or of one cell.
        guard ledger.fits(items[position], bin) else { return false }
        ledger.place(items[position], bin)
      }
    }
    return true
  }

  private mutating func search(_ number: Int, _ left: UInt64, _ slack: Int) -> Bool {
    guard left != 0 else { return true }
    guard number < bins.count, nodes < patience else { return false }
    let start = ways.count
    collect(number, left, slack)
    ways[start...].sort { $0.waste != $1.waste ? $0.waste < $1.waste : $0.items < $1.items }
    for position in start..<ways.count {
      let way = ways[position]
      chosen[number] = way.items
      if search(number + 1, left & ~way.items, slack - way.waste) { return true }
      if nodes >= patience { break }
    }
    chosen[number] = 0
    ways.removeLast(ways.count - start)
    return false
  }

  /// All sets of items that leave no more than `slack` of a bin.
  private mutating func collect(_ number: Int, _ left: UInt64, _ slack: Int) {
    pool.removeAll(keepingCapacity: true)
    var bits = left & allowed[number]
    while bits != 0 {
      pool.append(bits.trailingZeroBitCount)
      bits &= bits - 1
    }
    rest.removeAll(keepingCapacity: true)
    rest.append(0)
    for position in pool.indices.reversed() { rest.append(rest[rest.count - 1] + sizes[pool[position]]) }
    rest.reverse()
    extend(0, 0, holes[number], freeCPUs[number], slack)
  }

  private mutating func extend(_ start: Int, _ taken: UInt64, _ room: Int, _ cpusLeft: Int, _ slack: Int) {
    nodes += 1
    if room <= slack { ways.append((taken, room)) }
    var position = start
    while position < pool.count, nodes < patience {
      if room - rest[position] > slack { return }
      let item = pool[position]
      if sizes[item] <= room, cpus[item] <= cpusLeft {
        extend(position + 1, taken | 1 << UInt64(item), room - sizes[item], cpusLeft - cpus[item], slack)
      }
      position += 1
    }
  }
}
