/// Mode `compact`: few receiving hosts.
struct CompactMode {
  private let items: [Int]
  /// Bins, the roomiest first.
  private let order: [Int]
  /// Bins by how many average items they take.
  private let balancedOrder: [Int]
  private var filling: BinFilling
  private let bound: Int
  private let sets: SufficientSets

  init(_ ledger: Ledger) {
    items = SizeOrder.descending(0..<ledger.itemCount, in: ledger)
    let memory = Double(items.reduce(0) { $0 + ledger.memoryOf[$1] })
    let cpus = Double(items.reduce(0) { $0 + ledger.cpusOf[$1] })
    let freeMemory = (0..<ledger.binCount).map { max(0, ledger.freeMemory($0)) }
    let freeCPUs = (0..<ledger.binCount).map { max(0, min(ledger.cpuLimit[$0] - ledger.cpus[$0], 1 << 40)) }
    // What is scarce counts more.
    let pressure = (
      memory: memory / max(1, freeMemory.reduce(0.0) { $0 + Double($1) }),
      cpus: cpus / max(1, freeCPUs.reduce(0.0) { $0 + Double($1) })
    )
    let room = (0..<ledger.binCount).map { bin in
      min(Double(freeMemory[bin]) / max(1, memory), 1) * pressure.memory
        + min(Double(freeCPUs[bin]) / max(1, cpus), 1) * pressure.cpus
    }
    let fitting = (0..<ledger.binCount).map { bin in
      let least = min(Double(freeMemory[bin]) / max(1, memory), Double(freeCPUs[bin]) / max(1, cpus))
      return least * 1e9 + room[bin] * 1e6
    }
    order = (0..<ledger.binCount).sorted { room[$0] != room[$1] ? room[$0] > room[$1] : $0 < $1 }
    balancedOrder = order.indices.sorted { fitting[$0] != fitting[$1] ? fitting[$0] > fitting[$1] : $0 < $1 }
    filling = BinFilling(items, in: ledger)
    sets = SufficientSets(memory: freeMemory, cpus: freeCPUs, needed: (Int(memory), Int(cpus)))
    bound = max(
      CompactMode.prefix(freeMemory, reaching: Int(memory)), CompactMode.prefix(freeCPUs, reaching: Int(cpus)))
  }

  private static func prefix(_ free: [Int], reaching total: Int) -> Int {
    var sum = 0
    for (position, room) in free.sorted(by: >).enumerated() {
      if sum >= total { return position }
      sum += room
    }
    return free.count
  }

  /// Arranges everything on as few bins as it finds; an arrangement with all items placed is expected to begin with.
  mutating func place(_ ledger: inout Ledger, steps: inout Int) {
    let allowedUnplaced = ledger.unplacedCount
    let allowedOverbooked = ledger.overbooked
    var best = ledger.saved
    var fewest = ledger.received.count { $0 > 0 }
    func keep(_ ledger: Ledger) {
      best = ledger.saved
      fewest = ledger.received.count { $0 > 0 }
    }
    // A few fills are worth their time even where they cost more than the budget.
    var left = max(steps, items.count * 250)
    defer { steps = min(steps, left) }
    for (order, tilt) in [
      (balancedOrder, 1.0), (balancedOrder, 0.3), (order, 1), (balancedOrder, 3), (order, 0.3), (balancedOrder, 0.1),
    ] where left > 0 && fewest > bound {
      if fill(order.prefix(fewest - 1), [tilt], &ledger, &left), ledger.overbooked <= allowedOverbooked { keep(ledger) }
    }
    var random = RandomSource(seed: 4)
    while fewest > max(1, bound), left > 0, fewest <= 4 {
      let before = fewest
      for chosen in sets.all(of: fewest - 1, limit: 16) where left > 0 && fewest == before {
        attempt(chosen, seed: 0, allowedUnplaced, allowedOverbooked, &random, &ledger, &left)
        if ledger.unplacedCount <= allowedUnplaced, ledger.overbooked <= allowedOverbooked { keep(ledger) }
      }
      if fewest == before { break }
    }
    var attempt = 0
    // In a large cluster what a few restarts do not find is rarely found by many.
    let patience = ledger.binCount > 128 ? 16 : Int.max
    while fewest > max(1, bound), left > 0, attempt < patience {
      let chosen = choice(of: fewest - 1, attempt, &random)
      attempt += 1
      guard allowedUnplaced > 0 || sets.isSufficient(chosen) else {
        left -= ledger.binCount * 4
        continue
      }
      self.attempt(chosen, seed: UInt64(attempt), allowedUnplaced, allowedOverbooked, &random, &ledger, &left)
      if ledger.unplacedCount <= allowedUnplaced, ledger.overbooked <= allowedOverbooked {
        keep(ledger)
        attempt = 0
      }
    }
    for bin in ledger.isOpen.indices { ledger.isOpen[bin] = true }
    ledger.restore(best)
    preferEarlier(&ledger)
  }

  /// Fills the bins; what is left over is brought in by searching, where that is not too much.
  private mutating func attempt(
    _ chosen: [Int], seed: UInt64, _ allowedUnplaced: Int, _ allowedOverbooked: Int, _ random: inout RandomSource,
    _ ledger: inout Ledger, _ left: inout Int
  ) {
    let tilts = (0..<3).map { _ in 0.1 + Double(random.below(1000)) / 500 }
    let isFilled = fill(chosen[...], tilts, &ledger, &left)
    guard !isFilled && items.count < 2000 || ledger.overbooked > allowedOverbooked else { return }
    var slice = min(left, 60_000 + items.count * 200)
    let given = slice
    var search = RuinAndRecreate(.fewest, ledger, seed: seed) {
      $0.parts.0 <= Double(allowedUnplaced) && $0.parts.1 <= Double(allowedOverbooked)
    }
    search.run(&ledger, steps: &slice)
    left -= given - slice
  }

  /// Gives what a bin received to one earlier in the list, where that can take all of it.
  private func preferEarlier(_ ledger: inout Ledger) {
    // Twenty hosts are an operator's list; with hundreds the order is nobody's wish.
    let receiving = (0..<ledger.binCount).filter { ledger.received[$0] > 0 }
    guard receiving.count <= 20 else { return }
    for bin in receiving.reversed() {
      let overbooked = ledger.overbooked
      let before = ledger.saved
      let moved = ledger.items(in: bin)
      for earlier in 0..<bin where ledger.received[earlier] == 0 {
        for item in moved { ledger.remove(item) }
        for item in moved where ledger.fits(item, earlier) { ledger.place(item, earlier) }
        if ledger.received[earlier] == moved.count, ledger.overbooked <= overbooked { break }
        ledger.restore(before)
      }
    }
  }

  /// The roomiest bins; in later attempts some of them are exchanged for others.
  private func choice(of count: Int, _ attempt: Int, _ random: inout RandomSource) -> [Int] {
    var chosen = attempt % 2 == 0 ? balancedOrder : order
    if attempt > 0 {
      let span = min(chosen.count, count + max(2, count / 4))
      for _ in 0..<1 + random.below(1 + min(attempt, 40)) where count < span && count > 0 {
        chosen.swapAt(random.below(count), count + random.below(span - count))
      }
      if attempt % 7 == 6 {
        for position in 0..<count { chosen.swapAt(position, position + random.below(chosen.count - position)) }
      }
    }
    return Array(chosen.prefix(count))
  }

  /// - Returns: whether everything has a place.
  private mutating func fill(
    _ bins: ArraySlice<Int>, _ tilts: [Double], _ ledger: inout Ledger, _ steps: inout Int
  ) -> Bool {
    open(bins, &ledger)
    ledger.clear()
    filling.run(bins, tilts: tilts, &ledger)
    steps -= items.count * 100 * tilts.count
    return ledger.unplacedCount == 0
  }

  private func open(_ bins: ArraySlice<Int>, _ ledger: inout Ledger) {
    for bin in ledger.isOpen.indices { ledger.isOpen[bin] = false }
    for bin in bins { ledger.isOpen[bin] = true }
  }
}
