/// Takes some items out and puts them back in another way; keeps what is not worse. Finds its way out of arrangements
/// that no single move and no exchange improves.
struct RuinAndRecreate {
  /// How a bin is chosen when an item is put back.
  private enum Rule: Int {
    case leastShare, leastOverbooked, tightestMemory, tightestBoth, any
  }

  private let objective: Objective
  private var random: RandomSource
  private let scale: (memory: Double, cpus: Double)
  /// Ends the search when the score's parts are not above these.
  private let isGoodEnough: (Score) -> Bool
  private var changed: [(item: Int, bin: Int, cell: Int)] = []
  private var isChanged: [Bool]
  private var candidates: [Int] = []
  private var emptied: [Int] = []
  private var subsets = SubsetFilling()

  init(_ objective: Objective, _ ledger: Ledger, seed: UInt64, isGoodEnough: @escaping (Score) -> Bool) {
    self.objective = objective
    self.isGoodEnough = isGoodEnough
    random = RandomSource(seed: seed)
    scale = SizeOrder.scales(of: ledger)
    isChanged = [Bool](repeating: false, count: ledger.itemCount)
  }

  /// - Returns: whether the goal was reached.
  @discardableResult
  mutating func run(_ ledger: inout Ledger, steps: inout Int) -> Bool {
    guard ledger.binCount > 0, ledger.itemCount > 0 else { return true }
    let bins = (0..<ledger.binCount).filter { ledger.isOpen[$0] }
    guard !bins.isEmpty else { return ledger.itemCount == 0 }
    var score = objective.score(ledger, bins)
    var best = score
    var saved = ledger.saved
    var sinceBest = 0
    while steps > 0, !isGoodEnough(best) {
      changed.removeAll(keepingCapacity: true)
      let pool = ruin(&ledger, bins)
      recreate(pool, &ledger, bins, &steps)
      steps -= 100 + bins.count + ledger.itemCount / 8
      let now = objective.score(ledger, bins)
      if now < best {
        best = now
        saved = ledger.saved
        sinceBest = 0
      }
      sinceBest += 1
      if accepts(now, over: score) { score = now } else { undo(&ledger) }
      for entry in changed { isChanged[entry.item] = false }
      if sinceBest > 400 {
        sinceBest = 0
        ledger.restore(saved)
        score = best
      }
    }
    ledger.restore(saved)
    return isGoodEnough(best)
  }

  /// A little worse is accepted, where "worse" is only about how room is spread.
  private func accepts(_ new: Score, over old: Score) -> Bool {
    if new <= old { return true }
    guard new.parts.0 == old.parts.0, new.parts.1 == old.parts.1 else { return false }
    switch objective {
    case .fewest, .everything: return new.parts.2 <= old.parts.2 + abs(old.parts.2) * 0.02
    case .auto: return new.parts.2 <= old.parts.2 * 1.002
    case .scatter: return new.parts.2 == old.parts.2 && new.parts.3 <= old.parts.3 * 1.002
    }
  }

  private mutating func take(_ item: Int, _ ledger: inout Ledger) {
    if !isChanged[item] {
      isChanged[item] = true
      changed.append((item, ledger.bin[item], ledger.constraints.cellOrNone(item)))
    }
    if ledger.bin[item] >= 0 { ledger.remove(item) }
  }

  private mutating func undo(_ ledger: inout Ledger) {
    for entry in changed where ledger.bin[entry.item] >= 0 { ledger.remove(entry.item) }
    for entry in changed where entry.bin >= 0 { ledger.put(entry.item, entry.bin, cell: entry.cell) }
  }

  /// Empties parts of a few bins; among them the fullest receiving one, where that is what matters.
  private mutating func ruin(_ ledger: inout Ledger, _ bins: [Int]) -> [Int] {
    var pool: [Int] = []
    var targets: [Int] = []
    if objective == .auto || objective == .scatter {
      var fullest = -1
      var highest = -1.0
      for bin in bins where ledger.received[bin] > 0 {
        let share = ledger.share(bin)
        if share > highest {
          highest = share
          fullest = bin
        }
      }
      if fullest >= 0, random.below(8) > 0 { targets.append(fullest) }
    }
    if objective == .fewest || objective == .everything {
      // Where something is free, something may be gained.
      var roomiest = bins[random.below(bins.count)]
      for _ in 0..<5 {
        let other = bins[random.below(bins.count)]
        if ledger.freeMemory(other) > ledger.freeMemory(roomiest) { roomiest = other }
      }
      targets.append(roomiest)
    }
    let count = 1 + random.below(3)
    for _ in 0..<count { targets.append(bins[random.below(bins.count)]) }
    emptied = targets
    for bin in targets {
      let keep = random.below(3)
      var item = ledger.first[bin]
      while item >= 0 {
        let following = ledger.next[item]
        if keep == 0 || random.below(2) == 0 {
          take(item, &ledger)
          pool.append(item)
        }
        item = following
      }
    }
    if ledger.unplacedCount > pool.count {
      // Those without a place join; of many, some.
      let others = (0..<ledger.itemCount).filter { ledger.bin[$0] < 0 && !isChanged[$0] }
      let start = random.below(others.count)
      for offset in 0..<min(12, others.count) {
        let item = others[(start + offset) % others.count]
        take(item, &ledger)
        pool.append(item)
      }
    }
    return order(pool, ledger)
  }

  private mutating func order(_ pool: [Int], _ ledger: Ledger) -> [Int] {
    let noise = [0, 20, 60, 200][random.below(4)]
    var keyed: [(Double, Int)] = []
    for item in pool {
      let size = max(Double(ledger.memoryOf[item]) * scale.memory, Double(ledger.cpusOf[item]) * scale.cpus)
      keyed.append((size * Double(100 + (noise > 0 ? random.below(noise) : 0)), item))
    }
    keyed.sort { $0.0 != $1.0 ? $0.0 > $1.0 : $0.1 < $1.1 }
    return keyed.map(\.1)
  }

  private mutating func recreate(_ pool: [Int], _ ledger: inout Ledger, _ bins: [Int], _ steps: inout Int) {
    let careful = ledger.overbooked > 0 ? Rule.leastOverbooked : .leastShare
    let rule: Rule =
      switch objective {
      case .fewest, .everything: [.tightestMemory, .tightestMemory, .tightestBoth, .any][random.below(4)]
      case .auto, .scatter:
        [.leastShare, .leastShare, .leastShare, careful, .tightestMemory, .any][random.below(6)]
      }
    let high = (ledger.itemCount + ledger.binCount - 1) / ledger.binCount
    candidates.removeAll(keepingCapacity: true)
    if bins.count <= 128 {
      candidates.append(contentsOf: bins)
    } else {
      for entry in changed where entry.bin >= 0 { candidates.append(entry.bin) }
      for _ in 0..<48 { candidates.append(bins[random.below(bins.count)]) }
    }
    if objective == .fewest || objective == .everything, random.below(2) == 0 {
      for bin in emptied { subsets.fill(bin, from: pool, &ledger, &steps) }
    }
    for item in pool where ledger.bin[item] < 0 {
      var best = -1
      var least = Double.infinity
      for bin in candidates where ledger.fits(item, bin) {
        if objective == .scatter, ledger.received[bin] >= high, best >= 0, ledger.received[best] < high { continue }
        var value = 0.0
        switch rule {
        case .leastShare: value = ledger.share(bin, with: item) * Double(1000 + random.below(20))
        case .leastOverbooked:
          value = ledger.share(bin, with: item) + 8 * Double(ledger.overbooking(bin, addingCPUs: ledger.cpusOf[item]))
        case .tightestMemory: value = Double(ledger.freeMemory(bin)) * ledger.memoryInverse[bin]
        case .tightestBoth: value = 2 - ledger.share(bin, with: item)
        case .any: value = Double(random.below(1000))
        }
        if objective == .scatter { value += Double(max(0, ledger.received[bin] + 1 - high)) * 1e6 }
        if value < least {
          least = value
          best = bin
        }
      }
      steps -= candidates.count
      if best >= 0 { ledger.place(item, best) }
    }
  }
}
