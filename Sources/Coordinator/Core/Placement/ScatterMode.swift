/// Mode `scatter`: numbers of machines as equal as possible.
enum ScatterMode {
  static func place(_ ledger: inout Ledger, steps: inout Int) {
    let items = SizeOrder.descending(0..<ledger.itemCount, in: ledger)
    let bound = Bounds.highestShare(ledger, items: items)
    let leastUnplaced = Bounds.unplaced(ledger)
    let leastOverbooked = Bounds.overbooked(ledger)
    Spreading.placeInRounds(items, in: &ledger)
    if ledger.unplacedCount > 0 { Spreading.place(items.filter { ledger.bin[$0] < 0 }, in: &ledger) }
    if ledger.unplacedCount > leastUnplaced {
      var share = steps / 3
      let given = share
      Packing.improve(&ledger, steps: &share)
      steps -= given - share
    }
    let count = max(1, ledger.binCount)
    Evening(
      counts: ledger.placedCount / count...(ledger.placedCount + count - 1) / count,
      bound: ledger.unplacedCount == 0 ? bound : 0
    ).run(&ledger, steps: &steps)
    guard ledger.binCount <= 128, steps > 0 else { return }
    // The bound holds for all items; without some of them there may be better.
    let limit = ledger.unplacedCount == 0 ? bound * (1 + 1e-9) : 0
    var search = RuinAndRecreate(.scatter, ledger, seed: 3) {
      $0.parts.0 <= Double(leastUnplaced) && $0.parts.1 == 0 && $0.parts.2 <= Double(leastOverbooked)
        && $0.parts.3 <= limit
    }
    search.run(&ledger, steps: &steps)
  }
}
