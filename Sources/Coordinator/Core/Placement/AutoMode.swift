/// Mode `auto`: the fullest receiving host as little full as possible.
enum AutoMode {
  static func place(_ ledger: inout Ledger, steps: inout Int) {
    let items = SizeOrder.descending(0..<ledger.itemCount, in: ledger)
    let bound = Bounds.highestShare(ledger, items: items)
    let leastUnplaced = Bounds.unplaced(ledger)
    let leastOverbooked = Bounds.overbooked(ledger)
    Spreading.place(items, in: &ledger)
    if ledger.unplacedCount > leastUnplaced {
      var share = steps / 2
      let given = share
      Packing.improve(&ledger, steps: &share)
      steps -= given - share
    }
    Evening(bound: ledger.unplacedCount == 0 ? bound : 0).run(&ledger, steps: &steps)
    guard ledger.binCount <= 128, steps > 0 else { return }
    // The bound holds for all items; without some of them there may be better.
    let limit = ledger.unplacedCount == 0 ? bound * (1 + 1e-9) : 0
    var search = RuinAndRecreate(.auto, ledger, seed: 2) {
      $0.parts.0 <= Double(leastUnplaced) && $0.parts.1 <= Double(leastOverbooked) && $0.parts.2 <= limit
    }
    search.run(&ledger, steps: &steps)
  }
}
