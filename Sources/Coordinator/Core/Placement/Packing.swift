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
      excluded += max(1, (best.0 - bound) / 8)
      if steps <= 0 { break }
    }
    fillExactly(&ledger, bound, &best, &steps)
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

  /// Where hardly any memory may be left over, several times from nothing.
  private static func fillExactly(
    _ ledger: inout Ledger, _ bound: Int, _ best: inout (Int, Ledger.Saved), _ steps: inout Int
  ) {
    ledger.clear()
    let free = (0..<ledger.binCount).reduce(0) { $0 + max(0, ledger.freeMemory($1)) }
    let wanted = ledger.memoryOf.reduce(0, +)
    guard ledger.itemCount <= 500, wanted <= free, wanted >= free - free / 20 else { return }
    let start = steps
    for attempt in 0..<32 where best.0 > bound && steps > start / 2 {
      ledger.clear()
      var filling = ExactFilling(seed: UInt64(attempt))
      filling.run(&ledger, steps: &steps)
      fillTightest(SizeOrder.descending(0..<ledger.itemCount, in: ledger, by: .memory), &ledger, &steps)
      if ledger.unplacedCount > bound, ledger.unplacedCount < best.0 + 3 {
        var slice = min(steps, start / 40)
        let given = slice
        var search = RuinAndRecreate(.everything, ledger, seed: UInt64(attempt)) { $0.parts.0 == 0 }
        search.run(&ledger, steps: &slice)
        steps -= given - slice
      }
      if ledger.unplacedCount < best.0 { best = (ledger.unplacedCount, ledger.saved) }
    }
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
