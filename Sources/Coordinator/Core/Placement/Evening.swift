/// Makes the fullest receiving bin less full, by giving one of its items away or exchanging it for a smaller one.
struct Evening {
  /// Numbers of items that a bin may have received; nil: any.
  var counts: ClosedRange<Int>?
  /// No arrangement has a lower highest share; reaching it ends the search.
  var bound: Double
  /// Bins that are tried for one item.
  var candidates = 64

  /// Works until the fullest bin cannot be relieved, or the steps are used up.
  func run(_ ledger: inout Ledger, steps budget: inout Int) {
    // Large plans begin near the bound; evening them further is not worth much.
    let given = min(budget, 100_000 + ledger.itemCount * 50)
    var steps = given
    defer { budget -= given - steps }
    var order = Array(0..<ledger.binCount)
    let shares = order.map { ledger.share($0) }
    order.sort { shares[$0] != shares[$1] ? shares[$0] < shares[$1] : $0 < $1 }
    var offset = 0
    while steps > 0 {
      var fullest = -1
      var highest = bound * (1 + 1e-9)
      for bin in 0..<ledger.binCount where ledger.received[bin] > 0 {
        let share = ledger.share(bin)
        if share > highest {
          highest = share
          fullest = bin
        }
      }
      steps -= ledger.binCount / 4
      guard fullest >= 0 else { return }
      // Of many bins only some are tried, then others.
      var isRelieved = false
      for _ in 0..<(order.count <= candidates ? 1 : 4) where !isRelieved && steps > 0 {
        isRelieved = relieve(fullest, highest, order, offset, &ledger, &steps)
        offset = (offset + (isRelieved ? 7 : candidates)) % max(1, order.count)
      }
      if !isRelieved { return }
    }
  }

  private func relieve(
    _ full: Int, _ highest: Double, _ order: [Int], _ offset: Int, _ ledger: inout Ledger, _ steps: inout Int
  ) -> Bool {
    let count = min(order.count, candidates)
    // Small clusters are searched whole; of large ones, some of the emptier half.
    let isLarge = order.count > candidates
    let span = isLarge ? max(candidates, order.count / 2) : order.count
    let isByMemory = ledger.isMemoryFuller(full)
    let goodEnough = isLarge ? max(bound, highest - (highest - bound) / 3) : -1
    var best: (item: Int, bin: Int, partner: Int, share: Double) = (-1, -1, -1, highest * (1 - 1e-9))
    let mine = ledger.items(in: full).map { Part($0, ledger) }
    var theirs: [Part] = []
    for position in 0..<count {
      let target = order[(offset + position) % span]
      guard target != full, ledger.isOpen[target] else { continue }
      // What is as full in the same way has nothing to give.
      if isLarge, ledger.share(target, ofMemory: isByMemory) > goodEnough { continue }
      let gives = mayGive(full, target, ledger)
      theirs.removeAll(keepingCapacity: true)
      var partner = ledger.first[target]
      while partner >= 0 {
        theirs.append(Part(partner, ledger))
        partner = ledger.next[partner]
      }
      for part in mine {
        if gives { tryGiving(part.item, full, target, ledger, &best) }
        tryExchanging(part, full, theirs, target, ledger, &best)
      }
      let looks = 1 + mine.count * theirs.count
      steps -= 1 + looks / 4
      if best.item >= 0, best.share <= goodEnough { break }
    }
    guard best.item >= 0 else { return false }
    ledger.remove(best.item)
    if best.partner >= 0 {
      ledger.remove(best.partner)
      ledger.place(best.partner, full)
    }
    ledger.place(best.item, best.bin)
    return true
  }

  @inline(__always)
  private func mayGive(_ full: Int, _ target: Int, _ ledger: Ledger) -> Bool {
    guard let counts else { return true }
    return ledger.received[target] < counts.upperBound && ledger.received[full] > counts.lowerBound
  }

  @inline(__always)
  private func tryGiving(
    _ item: Int, _ full: Int, _ target: Int, _ ledger: Ledger,
    _ best: inout (item: Int, bin: Int, partner: Int, share: Double)
  ) {
    let share = max(
      ledger.share(target, with: item),
      ledger.received[full] == 1
        ? 0 : ledger.share(full, addingMemory: -ledger.memoryOf[item], cpus: -ledger.cpusOf[item]))
    guard share < best.share, ledger.fits(item, target) else { return }
    let change =
      ledger.overbooking(target, addingCPUs: ledger.cpusOf[item])
      + ledger.overbooking(full, addingCPUs: -ledger.cpusOf[item])
    if change <= 0 { best = (item, target, -1, share) }
  }

  @inline(__always)
  private func tryExchanging(
    _ mine: Part, _ full: Int, _ theirs: [Part], _ target: Int, _ ledger: Ledger,
    _ best: inout (item: Int, bin: Int, partner: Int, share: Double)
  ) {
    // What the two bins have without either.
    let memory = (full: ledger.memory[full] - mine.memory, target: ledger.memory[target] + mine.memory)
    let cpus = (full: ledger.cpus[full] - mine.cpus, target: ledger.cpus[target] + mine.cpus)
    let perMemory = (full: ledger.memoryInverse[full], target: ledger.memoryInverse[target])
    let perCPU = (full: ledger.cpuInverse[full], target: ledger.cpuInverse[target])
    for other in theirs {
      // Most exchanges make the full one no less full.
      let left = max(Double(memory.full + other.memory) * perMemory.full, Double(cpus.full + other.cpus) * perCPU.full)
      guard left < best.share else { continue }
      let share = max(
        left, Double(memory.target - other.memory) * perMemory.target, Double(cpus.target - other.cpus) * perCPU.target)
      guard share < best.share, memory.target - other.memory <= ledger.memoryLimit[target],
        memory.full + other.memory <= ledger.memoryLimit[full],
        cpus.target - other.cpus <= ledger.cpuLimit[target], cpus.full + other.cpus <= ledger.cpuLimit[full],
        ledger.overbooking(target, addingCPUs: mine.cpus - other.cpus)
          + ledger.overbooking(full, addingCPUs: other.cpus - mine.cpus) <= 0
      else { continue }
      guard ledger.constraints.areNone || ledger.allowExchange(mine.item, other.item) else { continue }
      best = (mine.item, target, other.item, share)
    }
  }

  /// An item, with what the inner loop asks of it side by side.
  private struct Part {
    let item: Int
    let memory: Int
    let cpus: Int

    init(_ item: Int, _ ledger: Ledger) {
      self.item = item
      memory = ledger.memoryOf[item]
      cpus = ledger.cpusOf[item]
    }
  }
}
