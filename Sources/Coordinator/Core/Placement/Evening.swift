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
    for position in 0..<count {
      let target = order[(offset + position) % span]
      guard target != full, ledger.isOpen[target] else { continue }
      // What is as full in the same way has nothing to give.
      if isLarge, ledger.share(target, ofMemory: isByMemory) > goodEnough { continue }
      let gives = mayGive(full, target, ledger)
      var looks = 1
      var item = ledger.first[full]
      while item >= 0 {
        if gives { tryGiving(item, full, target, ledger, &best) }
        var partner = ledger.first[target]
        while partner >= 0 {
          looks += 1
          tryExchanging(item, full, partner, target, ledger, &best)
          partner = ledger.next[partner]
        }
        item = ledger.next[item]
      }
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
    _ item: Int, _ full: Int, _ partner: Int, _ target: Int, _ ledger: Ledger,
    _ best: inout (item: Int, bin: Int, partner: Int, share: Double)
  ) {
    let memory = ledger.memoryOf[item] - ledger.memoryOf[partner]
    let cpus = ledger.cpusOf[item] - ledger.cpusOf[partner]
    let share = max(
      ledger.share(target, addingMemory: memory, cpus: cpus), ledger.share(full, addingMemory: -memory, cpus: -cpus))
    guard share < best.share, ledger.memory[target] + memory <= ledger.memoryLimit[target],
      ledger.memory[full] - memory <= ledger.memoryLimit[full],
      ledger.cpus[target] + cpus <= ledger.cpuLimit[target], ledger.cpus[full] - cpus <= ledger.cpuLimit[full],
      ledger.overbooking(target, addingCPUs: cpus) + ledger.overbooking(full, addingCPUs: -cpus) <= 0
    else { return }
    guard ledger.constraints.areNone || ledger.allowExchange(item, partner) else { return }
    best = (item, target, partner, share)
  }
}
