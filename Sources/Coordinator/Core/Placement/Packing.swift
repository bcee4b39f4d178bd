/// Leaves as few items as possible without a place, however the bins look afterwards.
enum Packing {
  /// Tries several orders and rules, then searches; what was there before is kept if nothing is better.
  static func improve(_ ledger: inout Ledger, steps: inout Int) {
    let bound = Bounds.unplaced(ledger.emptied)
    guard ledger.unplacedCount > bound else { return }
    var best = (ledger.unplacedCount, ledger.saved)
    // Where not all can go, the largest stay: how many, is tried out.
    let ascending = Array(SizeOrder.descending(0..<ledger.itemCount, in: ledger, by: .larger).reversed())
    var excluded = bound
    while excluded < best.0 {
      let promising = ascending.prefix(ledger.itemCount - excluded)
      for key in excluded == 0 ? [SizeOrder.Key.larger, .memory, .cpus, .sum] : [.larger] {
        ledger.clear()
        fillTightest(SizeOrder.descending(promising, in: ledger, by: key), &ledger, &steps)
        if excluded > 0 { fillTightest(ascending, &ledger, &steps) }
        if ledger.unplacedCount < best.0 { best = (ledger.unplacedCount, ledger.saved) }
        if best.0 <= bound { return }
      }
      ledger.clear()
      fillEvenly(promising, &ledger, &steps)
      fillTightest(ascending, &ledger, &steps)
      if ledger.unplacedCount < best.0 { best = (ledger.unplacedCount, ledger.saved) }
      if best.0 <= bound { return }
      excluded += max(1, (best.0 - bound) / 8)
      if steps <= 0 { break }
    }
    fillExactly(&ledger, bound, &best, &steps)
    ledger.restore(best.1)
    if best.0 <= bound { return }
    mergeHoles(&ledger, bound, ascending, &best, &steps)
    if best.0 <= bound { return }
    ledger.restore(best.1)
    let given = steps
    if bound == 0 {
      var search = RuinAndRecreate(.everything, ledger, seed: 6) { $0.parts.0 == 0 }
      search.run(&ledger, steps: &steps)
      if ledger.unplacedCount == 0 { return }
      if ledger.unplacedCount < best.0 { best = (ledger.unplacedCount, ledger.saved) }
      ledger.restore(best.1)
      steps += given / 4
    }
    var search = RuinAndRecreate(.fewest, ledger, seed: 1) { $0.parts.0 <= Double(bound) }
    search.run(&ledger, steps: &steps)
  }

  /// Decides who stays, the largest, and merges holes for the last of the others.
  private static func mergeHoles(
    _ ledger: inout Ledger, _ bound: Int, _ ascending: [Int], _ best: inout (Int, Ledger.Saved), _ steps: inout Int
  ) {
    let start = steps
    var seed: UInt64 = 0
    while best.0 > bound, steps > start / 2, seed < 12 {
      // One fewer without a place than so far; if that is easy, fewer still.
      let excluded = seed == 0 ? bound : best.0 - 1
      let promising = ascending.prefix(ledger.itemCount - excluded)
      var isWanted = [Bool](repeating: false, count: ledger.itemCount)
      for item in promising { isWanted[item] = true }
      ledger.clear()
      if seed % 3 == 2 || ledger.binCount > 128 { fillEvenly(promising, &ledger, &steps) }
      fillTightest(
        SizeOrder.descending(promising, in: ledger, by: seed % 3 == 0 ? .memory : .larger), &ledger, &steps)
      var merging = HoleMerging(ledger, isWanted: isWanted, seed: seed)
      var share = min(steps, start / 4)
      let given = share
      let isDone = merging.run(&ledger, steps: &share)
      steps -= given - share
      fillTightest(ascending, &ledger, &steps)
      if ledger.unplacedCount < best.0 { best = (ledger.unplacedCount, ledger.saved) }
      if !isDone { seed += 1 } else if seed == 0 { break }
    }
    ledger.restore(best.1)
  }

  /// Where hardly any memory may be left over, several times from nothing. That somebody stays behind though there is
  /// a place for all is worse than a plan that comes later: where that may be, the search has four times its share.
  private static func fillExactly(
    _ ledger: inout Ledger, _ bound: Int, _ best: inout (Int, Ledger.Saved), _ steps: inout Int
  ) {
    ledger.clear()
    let free = (0..<ledger.binCount).reduce(0) { $0 + max(0, ledger.freeMemory($1)) }
    let needed = ledger.memoryOf.reduce(0, +)
    let wanted = [Bool](repeating: true, count: ledger.itemCount)
    guard ledger.itemCount <= 500, needed <= free, needed >= free - free / 20 else { return }
    let start = steps
    let filling = ExactFilling(ledger, steps: &steps)
    if bound == 0, beginAndEnd(filling, &ledger, share: 4 * start) {
      best = (ledger.unplacedCount, ledger.saved)
      return
    }
    for attempt in 0..<200 where best.0 > bound && steps > start / 6 {
      ledger.clear()
      filling.run(&ledger, seed: UInt64(attempt), steps: &steps)
      fillTightest(SizeOrder.descending(0..<ledger.itemCount, in: ledger, by: .memory), &ledger, &steps)
      if ledger.unplacedCount > bound, ledger.unplacedCount < best.0 + 3 {
        var slice = min(steps, start / 60)
        let given = slice
        var merging = HoleMerging(ledger, isWanted: wanted, seed: UInt64(attempt))
        _ = merging.run(&ledger, steps: &slice)
        steps -= given - slice
      }
      if ledger.unplacedCount < best.0 { best = (ledger.unplacedCount, ledger.saved) }
    }
  }

  /// Fills bins exactly as long as there is a way, and tries all ways for the last of them.
  ///
  /// Of several beginnings, the one that leaves most freedom for the end is worth its cost.
  private static func beginAndEnd(_ filling: ExactFilling, _ ledger: inout Ledger, share: Int) -> Bool {
    var steps = share
    var random = RandomSource(seed: 8)
    var holes = LastHoles()
    var seed: UInt64 = 0
    while steps > 0 {
      var chosen: (freedom: Double, saved: Ledger.Saved)?
      for _ in 0..<(seed == 0 ? 1 : 16) {
        ledger.clear()
        filling.run(&ledger, seed: seed, steps: &steps)
        seed += 1
        let freedom = OpenHoles(ledger).freedom
        steps -= ledger.itemCount + ledger.binCount
        if freedom > chosen?.freedom ?? -.infinity { chosen = (freedom, ledger.saved) }
      }
      if let chosen { ledger.restore(chosen.saved) }
      if holes.fill(&ledger, &random, steps: &steps) { return true }
    }
    return false
  }

  /// Each bin so that memory and CPUs run out together, where both are scarce.
  private static func fillEvenly(_ items: some Sequence<Int>, _ ledger: inout Ledger, _ steps: inout Int) {
    var filling = BinFilling(items, in: ledger)
    filling.run((0..<ledger.binCount).filter { ledger.isOpen[$0] }, tilts: [1], &ledger)
    steps -= ledger.itemCount * 50
  }

  /// Each item where least memory is left.
  static func fillTightest(_ items: [Int], _ ledger: inout Ledger, _ steps: inout Int) {
    let bins = (0..<ledger.binCount).filter { ledger.isOpen[$0] }
    for item in items where ledger.bin[item] < 0 {
      var best = -1
      var least = Int.max
      for bin in bins where ledger.freeMemory(bin) < least && ledger.fits(item, bin) {
        least = ledger.freeMemory(bin)
        best = bin
      }
      steps -= bins.count / 4
      if best >= 0 { ledger.place(item, best) }
    }
  }
}
