/// Mode `compact`: few receiving hosts.
struct CompactMode {
  private let items: [Int]
  /// Bins, the roomiest first.
  private let order: [Int]
  /// Bins by how many average items they take.
  private let balancedOrder: [Int]
  private var filling: BinFilling
  private let weights: (memory: Double, cpus: Double)
  private let bound: Int

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
    weights = pressure
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
    for order in [balancedOrder, order] {
      var low = max(1, bound)
      var high = fewest
      while low < high, steps > 0 {
        let middle = (low + high) / 2
        if fill(order.prefix(middle), &ledger, &steps), ledger.unplacedCount <= allowedUnplaced,
          ledger.overbooked <= allowedOverbooked
        {
          best = ledger.saved
          fewest = ledger.received.count { $0 > 0 }
          high = min(middle, fewest)
        } else {
          low = middle + 1
        }
      }
    }
    var random = RandomSource(seed: 4)
    var attempt = 0
    while fewest > max(1, bound), steps > 0, ledger.binCount > 0 {
      let chosen = choice(of: fewest - 1, attempt, &random)
      attempt += 1
      let isFilled = fill(chosen[...], &ledger, &steps, &random)
      var slice = min(steps, 60_000 + items.count * 200)
      let given = slice
      if !isFilled || ledger.overbooked > allowedOverbooked {
        var search = RuinAndRecreate(.fewest, ledger, seed: UInt64(attempt)) {
          $0.parts.0 <= Double(allowedUnplaced) && $0.parts.1 <= Double(allowedOverbooked)
        }
        search.run(&ledger, steps: &slice)
      }
      steps -= given - slice
      if ledger.unplacedCount <= allowedUnplaced, ledger.overbooked <= allowedOverbooked {
        best = ledger.saved
        fewest = ledger.received.count { $0 > 0 }
        attempt = 0
      }
    }
    for bin in ledger.isOpen.indices { ledger.isOpen[bin] = true }
    ledger.restore(best)
  }

  /// The roomiest bins; in later attempts some of them are exchanged for others.
  private func choice(of count: Int, _ attempt: Int, _ random: inout RandomSource) -> [Int] {
    var chosen = attempt % 2 == 0 ? balancedOrder : order
    if attempt > 0 {
      let span = min(chosen.count, count + max(2, count / 4))
      for _ in 0..<1 + random.below(1 + attempt) where count < span && count > 0 {
        chosen.swapAt(random.below(count), count + random.below(span - count))
      }
      if attempt % 7 == 6 {
        for position in 0..<count { chosen.swapAt(position, position + random.below(chosen.count - position)) }
      }
    }
    return Array(chosen.prefix(count))
  }

  /// - Returns: whether everything has a place.
  private mutating func fill(_ bins: ArraySlice<Int>, _ ledger: inout Ledger, _ steps: inout Int) -> Bool {
    open(bins, &ledger)
    for weights in [self.weights, (1, 1), (weights.memory, weights.cpus * 3), (weights.memory * 3, weights.cpus)] {
      ledger.clear()
      filling.run(Array(bins), weights, &ledger)
      steps -= items.count * 24
      if ledger.unplacedCount == 0 { return true }
    }
    return false
  }

  private mutating func fill(
    _ bins: ArraySlice<Int>, _ ledger: inout Ledger, _ steps: inout Int, _ random: inout RandomSource
  ) -> Bool {
    open(bins, &ledger)
    ledger.clear()
    let tilt = 0.25 + Double(random.below(1000)) / 250
    filling.run(Array(bins), (weights.memory, weights.cpus * tilt), &ledger)
    steps -= items.count * 24
    return ledger.unplacedCount == 0
  }

  private func open(_ bins: ArraySlice<Int>, _ ledger: inout Ledger) {
    for bin in ledger.isOpen.indices { ledger.isOpen[bin] = false }
    for bin in bins { ledger.isOpen[bin] = true }
  }
}
